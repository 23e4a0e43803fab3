"""The trained model: when it is stale, and training it anew."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bot.config import PROJECT, Settings
from bot.errors import ConfigurationError

ENGINE_PYTHON = PROJECT / ".venv-rasa" / "bin" / "python"
# Everything that a trained model depends on.
SOURCES = (
    "config.yml",
    "domain/**/*.yml",
    "nlu/**/*.yml",
    "stories/**/*.yml",
    "engine/**/*.py",
    "encoder/**/*.py",
    "requirements/engine.txt",
)


def fingerprint(project: Path = PROJECT) -> str:
    """A hash over the contents and names of all sources of the model."""
    digest = hashlib.sha256()
    for path in _sources(project):
        digest.update(str(path.relative_to(project)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources(project: Path) -> Iterator[Path]:
    for pattern in SOURCES:
        yield from sorted(project.glob(pattern))


def is_stale(settings: Settings) -> bool:
    """Whether the model is missing or was trained from other sources."""
    stamp = _stamp(settings)
    if not settings.model_path.exists() or not stamp.exists():
        return True
    return stamp.read_text("utf-8").strip() != fingerprint()


def train(settings: Settings) -> None:
    """Trains the model and notes its fingerprint.

    The old model stays in place until the new one is complete. Raises
    ``ConfigurationError`` when the engine's environment is missing or training fails.
    """
    if not ENGINE_PYTHON.exists():
        raise ConfigurationError("The engine's environment is missing. Run `make setup`.")
    present = fingerprint()
    target = settings.model_path
    fresh = target.with_name(f"fresh-{target.name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    # What a failed training left must not pass for the result of this one.
    fresh.unlink(missing_ok=True)
    result = subprocess.run(  # noqa: S603 - our own interpreter and module
        [
            str(ENGINE_PYTHON),
            *("-m", "engine.train", "--output", str(target.parent)),
            *("--name", fresh.name.removesuffix(".tar.gz")),
        ],
        cwd=PROJECT,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        check=False,
    )
    if result.returncode or not fresh.exists():
        raise ConfigurationError(
            "Training failed; the messages above say why. `make check` finds faulty data."
        )
    fresh.replace(target)
    _stamp(settings).write_text(present + "\n", "utf-8")


def _stamp(settings: Settings) -> Path:
    return settings.model_path.with_suffix(".fingerprint")
