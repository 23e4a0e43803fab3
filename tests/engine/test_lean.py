"""Rasa starts without TensorFlow, and says so when something needs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False
    )


def test_rasa_is_imported_without_tensorflow() -> None:
    done = run(
        "from engine import lean; lean.install(); lean.install()\n"
        "import rasa.core.agent, sys\n"
        "print(type(sys.modules['tensorflow']).__name__)"
    )
    assert done.stdout.strip() == "_AbsentModule", done.stderr[-2000:]


def test_classes_and_decorators_pass_and_computing_fails() -> None:
    done = run(
        "from engine import lean; lean.install()\n"
        "import tensorflow as tf\n"
        "class Layer(tf.keras.layers.Layer): pass\n"
        "@tf.function\n"
        "def one(): return 1\n"
        "print(one())\n"
        "tf.constant([1, 2])"
    )
    assert done.stdout.strip() == "1"
    assert "leaves out" in done.stderr


def test_coming_too_late_is_an_error() -> None:
    done = run(
        "import sys, types; sys.modules['tensorflow'] = types.ModuleType('tensorflow')\n"
        "from engine import lean; lean.install()"
    )
    assert "came too late" in done.stderr
