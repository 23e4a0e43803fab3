"""Chromium for the tests of pages: that of the system, or the tests are skipped and say why."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1440, "height": 900}

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None and os.environ.get("CI") != "true",
    reason="no Chromium found: install it with `apt-get install chromium`",
)


def barriers(page: Page) -> list[str]:
    """What axe finds on a page that is serious or critical, with the elements.

    What is still fading in has weaker colours than people read: it is waited for.
    """
    page.wait_for_function(
        """() => document.getAnimations().every(
            (one) => one.playState !== "running"
                || one.effect.getComputedTiming().iterations === Infinity
        )"""
    )
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
