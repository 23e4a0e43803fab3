"""Settings: every one explained, secrets never shown, wrong ones named."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import SecretStr

from bot import config
from bot.config import Settings
from bot.doctor import settings_in_force
from bot.errors import ConfigurationError

FIELDS = Settings.model_fields
SECRET = "very-secret-value"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting from outside, and no `.env`."""
    for name in FIELDS:
        monkeypatch.delenv(config.environment_name(name), raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_is_explained_and_has_a_default(name: str) -> None:
    field = FIELDS[name]
    assert (field.description or "").endswith(".")
    assert not field.is_required()


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_is_set_by_the_variable_named_for_it(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    present = getattr(config.load(), name)
    values: dict[type, tuple[str, Any]] = {
        bool: (str(not present), not present),
        int: ("4711" if name != "workers" else "3", 4711 if name != "workers" else 3),
        float: ("3.5", 3.5),
        str: ((get_args(FIELDS[name].annotation) or ["a-value"])[-1],) * 2,
        SecretStr: (SECRET, SecretStr(SECRET)),
    }
    given, expected = next(
        (value for kind, value in values.items() if type(present) is kind),
        ("/some/where", Path("/some/where")),
    )
    monkeypatch.setenv(config.environment_name(name), given)
    assert getattr(config.load(), name) == expected


def test_names_of_variables_begin_as_they_should() -> None:
    assert config.environment_name("database_url") == "LOTSE_DATABASE_URL"
    assert config.environment_name("telegram_token") == "TELEGRAM_TOKEN"
    assert config.environment_name("TELEGRAM_API_URL") == "TELEGRAM_API_URL"


def test_settings_are_read_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("LOTSE_PORT=8123\nTELEGRAM_TOKEN=from-file\nOTHER=x\n", "utf-8")
    settings = config.load()
    assert (settings.port, settings.telegram_token.get_secret_value()) == (8123, "from-file")
    monkeypatch.setenv("LOTSE_PORT", "8124")
    assert config.load().port == 8124


# Secrets

SECRETS = [
    name for name, field in FIELDS.items() if name.endswith(("token", "secret", "database_url"))
]


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    value = f"postgresql://lotse:{SECRET}@host/db" if name == "database_url" else SECRET
    monkeypatch.setenv(config.environment_name(name), value)
    settings = config.load()
    assert getattr(settings, name).get_secret_value() == value
    shown = f"{settings!r} {settings} {list(settings_in_force(settings))} {settings.model_dump()}"
    assert SECRET not in shown


def test_the_list_of_settings_names_them_all() -> None:
    listed = {variable: meaning for variable, _, meaning in settings_in_force(config.load())}
    assert set(listed) == {config.environment_name(name) for name in FIELDS}
    assert all(listed.values())


# Wrong values


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LOTSE_PORT", "eighty"),
        ("LOTSE_PORT", "0"),
        ("LOTSE_INTERNAL_PORT", "70000"),
        ("LOTSE_ENGINE_TIMEOUT", "0"),
        ("LOTSE_WORKERS", "0"),
        ("LOTSE_ASK_CONSENT", "perhaps"),
        ("LOTSE_LOG_LEVEL", "LOUD"),
    ],
)
def test_a_wrong_value_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=rf"^Wrong settings\. {variable}: ") as wrong:
        config.load()
    assert "input_value" not in str(wrong.value)


def test_all_wrong_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOTSE_PORT", "x")
    monkeypatch.setenv("LOTSE_WORKERS", "y")
    with pytest.raises(ConfigurationError, match=r"LOTSE_PORT: .*; LOTSE_WORKERS: "):
        config.load()


# What follows from settings


def test_loopback_addresses_follow_the_ports() -> None:
    settings = Settings(internal_port=1234, engine_port=2345)
    assert settings.internal_url == "http://127.0.0.1:1234"
    assert settings.engine_url == "http://127.0.0.1:2345"


@pytest.mark.parametrize(
    ("url", "secret", "webhook"),
    [("", "", False), ("https://x", "", False), ("", "s", False), ("https://x", "s", True)],
)
def test_a_webhook_needs_an_address_and_a_secret(url: str, secret: str, webhook: bool) -> None:
    settings = Settings(public_url=url, telegram_webhook_secret=SecretStr(secret))
    assert settings.telegram_by_webhook is webhook


def test_the_trackers_stand_beside_the_database(tmp_path: Path) -> None:
    assert Settings(state_directory=tmp_path).tracker_database == tmp_path / "tracker.db"
