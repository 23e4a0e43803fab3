"""Every setting: name, default and help, in one place. ``lotse doctor`` lists them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import ConfigurationError

PROJECT = Path(__file__).resolve().parents[1]
# How long facts count as checked, where no setting says otherwise.
STALE_DAYS = 180


class Settings(BaseSettings):
    """Settings from the environment or ``.env``. Secrets never show in ``repr``."""

    model_config = SettingsConfigDict(
        env_prefix="LOTSE_", env_file=".env", extra="ignore", frozen=True, populate_by_name=True
    )

    database_url: SecretStr = Field(
        SecretStr(f"sqlite:///{PROJECT}/var/lotse.db"),
        description="Database: sqlite:///path or postgresql://user@host/name.",
    )
    host: str = Field(
        "127.0.0.1", description="Address the web chat listens on; 0.0.0.0 behind a proxy."
    )
    port: int = Field(
        8000, ge=1, le=65535, description="Port of web chat, webhook and health page."
    )
    public_url: str = Field(
        "", description="Where people reach this server, https://…; needed for webhooks and links."
    )
    internal_port: int = Field(
        8056,
        ge=1,
        le=65535,
        description="Loopback port: the engine calls actions and texts, Prometheus reads /metrics.",
    )
    engine_port: int = Field(5005, ge=1, le=65535, description="Loopback port of the Rasa engine.")
    engine_token: SecretStr = Field(
        SecretStr(""), description="Secret between engine and application; made anew when empty."
    )
    engine_timeout: float = Field(
        20.0, gt=0, description="Seconds to wait for the engine's answer to one message."
    )
    engine_external: bool = Field(
        False, description="The engine is started by somebody else; do not start one."
    )
    model_path: Path = Field(PROJECT / "models" / "lotse.tar.gz", description="The trained model.")
    train_when_stale: bool = Field(
        True, description="Train at start when the model's sources have changed."
    )
    state_directory: Path = Field(
        PROJECT / "var", description="Where the embedded databases stand."
    )
    clamd: str = Field(
        "",
        description="Virus scanner for files: clamd's socket or host:port; empty for none.",
    )
    workers: int = Field(
        8, ge=1, le=200, description="Conversations handled at once by this process."
    )
    ask_consent: bool = Field(
        True, description="Ask for consent before the first message is answered."
    )
    metrics_token: SecretStr = Field(
        SecretStr(""),
        description="Token for /metrics on LOTSE_PORT; empty: only on the internal port, "
        "which only this machine reaches.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR."
    )
    stale_days: int = Field(
        STALE_DAYS,
        ge=1,
        le=36500,
        description="Days after which facts carry a warning, rank lower and are listed to editors.",
    )
    retention_days: int = Field(
        180,
        ge=1,
        le=36500,
        description="Days after its last message until a conversation is deleted, with its person.",
    )
    retention_days_without_consent: int = Field(
        7, ge=1, le=36500, description="The same for people who did not agree to be answered."
    )
    retention_days_appointments: int = Field(
        180,
        ge=1,
        le=36500,
        description="Days after an appointment until it no longer says whose it was.",
    )
    retention_days_audit: int = Field(
        730,
        ge=1,
        le=36500,
        description="Days after which the audit log forgets what those who work here did.",
    )
    import_max_bytes: int = Field(
        500_000_000, gt=0, description="Largest file that is imported, in bytes after unpacking."
    )
    import_timeout: float = Field(
        300.0, gt=0, description="Seconds that fetching a file to import may take."
    )
    import_private_addresses: bool = Field(
        False, description="Import also from addresses of private and local networks."
    )
    telegram_token: SecretStr = Field(
        SecretStr(""),
        validation_alias=AliasChoices("TELEGRAM_TOKEN", "telegram_token"),
        description="Token of the Telegram bot; Telegram is served when it is set.",
    )
    telegram_api_url: str = Field(
        "https://api.telegram.org",
        validation_alias=AliasChoices("TELEGRAM_API_URL", "telegram_api_url"),
        description="Bot API server.",
    )
    telegram_webhook_secret: SecretStr = Field(
        SecretStr(""),
        validation_alias=AliasChoices("TELEGRAM_WEBHOOK_SECRET", "telegram_webhook_secret"),
        description="With LOTSE_PUBLIC_URL: receive updates by webhook, checked by this secret.",
    )

    telegram_desk_chat_id: int = Field(
        0,
        validation_alias=AliasChoices("TELEGRAM_DESK_CHAT_ID", "telegram_desk_chat_id"),
        description="Supergroup with topics in which counsellors answer, such as -1001234567890.",
    )
    chatwoot_url: str = Field(
        "", description="Address of a Chatwoot whose agents answer as well, https://…."
    )
    chatwoot_token: SecretStr = Field(
        SecretStr(""), description="Chatwoot: access token of the user that writes there."
    )
    chatwoot_account_id: int = Field(1, description="Chatwoot: number of the account.")
    chatwoot_inbox_id: int = Field(1, description="Chatwoot: number of the API inbox.")
    chatwoot_webhook_secret: SecretStr = Field(
        SecretStr(""), description="Chatwoot: secret by which its webhook signs."
    )
    translation_url: str = Field(
        "",
        description="LibreTranslate-compatible server that translates for counsellors; "
        "what newcomers write to them is sent there. Off when empty.",
    )
    translation_key: SecretStr = Field(
        SecretStr(""), description="Key of the translation server, if it wants one."
    )
    desk_language: Literal["de", "en"] = Field(
        "de", description="Language in which other desks than the console are told."
    )

    @property
    def internal_url(self) -> str:
        """Where the engine reaches the application."""
        return f"http://127.0.0.1:{self.internal_port}"

    @property
    def base_url(self) -> str:
        """Where people reach this server; this machine's own address when nothing is set."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"

    @property
    def engine_url(self) -> str:
        """Where the application reaches the engine."""
        return f"http://127.0.0.1:{self.engine_port}"

    @property
    def tracker_database(self) -> Path:
        """The engine's own store of dialogue state."""
        return self.state_directory / "tracker.db"

    @property
    def telegram_by_webhook(self) -> bool:
        """Whether Telegram calls us, instead of us asking Telegram."""
        return bool(self.public_url and self.telegram_webhook_secret.get_secret_value())


def load() -> Settings:
    """The settings in force; raises ``ConfigurationError`` naming each wrong one."""
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"{environment_name(str(problem['loc'][0]))}: {problem['msg']}"
            for problem in error.errors()
        )
        raise ConfigurationError(f"Wrong settings. {problems}") from error


def environment_name(field_name: str) -> str:
    """The environment variable that sets a field."""
    if field_name.upper() == field_name:
        return field_name
    prefix = "" if field_name.startswith("telegram_") else "LOTSE_"
    return f"{prefix}{field_name.upper()}"
