"""Examines an installation and says how to mend what is missing."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

import encoder
from bot.config import Settings, environment_name
from bot.db import migrate
from bot.db.session import Database
from bot.dialogue import model
from bot.dialogue.model import ENGINE_PYTHON
from bot.errors import ConfigurationError
from bot.i18n.texts import Catalogues
from bot.measures.models import Measure


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing examined; ``details`` say what was found or how to mend it."""

    name: str
    ok: bool
    details: str


async def examine(settings: Settings) -> list[Finding]:
    """All findings, in the order in which they should be mended. Never raises."""
    checks: list[Callable[[], Finding]] = [
        _engine_environment,
        _encoder,
        _texts,
        lambda: _database(settings),
        lambda: _measures(settings),
        lambda: _model(settings),
    ]
    findings = [check() for check in checks]
    findings.append(await _server(settings))
    findings.append(_metrics(settings))
    findings.append(await _telegram(settings))
    return findings


def _engine_environment() -> Finding:
    name = "engine environment"
    if not ENGINE_PYTHON.exists():
        return Finding(name=name, ok=False, details="missing; run `make setup`")
    probe = subprocess.run(  # noqa: S603 - our own interpreter
        [str(ENGINE_PYTHON), "-c", "import importlib.metadata as m; print(m.version('rasa'))"],
        capture_output=True,
        text=True,
        check=False,
    )
    if probe.returncode:
        return Finding(name=name, ok=False, details="Rasa is not installed; run `make setup`")
    return Finding(name=name, ok=True, details=f"Rasa {probe.stdout.strip()}")


def _encoder() -> Finding:
    name = encoder.load().name
    fast = "onnx" in name
    details = name if fast else f"{name}, which is slower; run `python -m encoder build`"
    return Finding(name="encoder", ok=fast, details=details)


def _texts() -> Finding:
    try:
        Catalogues()
    except ConfigurationError as error:
        return Finding(name="texts", ok=False, details=str(error))
    return Finding(name="texts", ok=True, details="compiled for every reply language")


def _database(settings: Settings) -> Finding:
    try:
        current = migrate.is_current(Database(settings.database_url.get_secret_value()))
    except SQLAlchemyError as error:
        kind = type(error).__name__
        return Finding(
            name="database", ok=False, details=f"not reachable ({kind}); see LOTSE_DATABASE_URL"
        )
    details = "up to date" if current else "behind; run `lotse db upgrade`"
    return Finding(name="database", ok=current, details=details)


def _measures(settings: Settings) -> Finding:
    try:
        with Database(settings.database_url.get_secret_value()).reading() as session:
            count = session.scalar(select(func.count()).select_from(Measure)) or 0
    except SQLAlchemyError:
        return Finding(name="measures", ok=False, details="no table; run `lotse db upgrade`")
    details = f"{count} offers" if count else "none; run `lotse measures import`"
    return Finding(name="measures", ok=bool(count), details=details)


def _model(settings: Settings) -> Finding:
    stale = model.is_stale(settings)
    details = "missing or stale; run `lotse train`" if stale else "fits its sources"
    return Finding(name="model", ok=not stale, details=details)


async def _server(settings: Settings) -> Finding:
    url = f"http://{settings.host}:{settings.port}/health/ready"
    try:
        async with httpx.AsyncClient(timeout=8) as http:
            body = (await http.get(url)).json()
        reasons = "; ".join([*body["reasons"], *body["warnings"]])
    except (httpx.HTTPError, ValueError, KeyError):
        return Finding(name="server", ok=False, details="not running; start it with `make run`")
    return Finding(name="server", ok=not reasons, details=reasons or "ready")


def _metrics(settings: Settings) -> Finding:
    inside = f"{settings.internal_url}/metrics"
    outside = (
        f"with LOTSE_METRICS_TOKEN also at {settings.base_url}/metrics"
        if settings.metrics_token.get_secret_value()
        else "for this machine only; set LOTSE_METRICS_TOKEN for others"
    )
    return Finding(name="metrics", ok=True, details=f"{inside}, {outside}")


async def _telegram(settings: Settings) -> Finding:
    token = settings.telegram_token.get_secret_value()
    if not token:
        return Finding(name="telegram", ok=True, details="off; set TELEGRAM_TOKEN to serve it")
    try:
        async with httpx.AsyncClient(timeout=5) as http:
            answer = await http.get(f"{settings.telegram_api_url}/bot{token}/getMe")
    except (httpx.HTTPError, httpx.InvalidURL):
        return Finding(
            name="telegram", ok=False, details="Bot API not reachable; see TELEGRAM_API_URL"
        )
    if answer.status_code != httpx.codes.OK:
        return Finding(
            name="telegram", ok=False, details="token refused; ask @BotFather for a new one"
        )
    return Finding(name="telegram", ok=True, details="token accepted")


def settings_in_force(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Every setting with its environment variable, value and meaning; secrets are hidden."""
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        shown = (
            ("set" if value.get_secret_value() else "") if isinstance(value, SecretStr) else value
        )
        yield environment_name(name), str(shown), field.description or ""
