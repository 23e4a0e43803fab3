"""Trains the model: ``python -m engine.train --output models --name lotse``.

Without TensorFlow (``engine.lean``); the pipeline of ``config.yml`` does not need it.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from engine import blas, lean


def main() -> None:
    """Trains from the current directory; exits with Rasa's code when that fails."""
    parser = argparse.ArgumentParser(prog="python -m engine.train", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("models"))
    parser.add_argument("--name", default="lotse", help="file name without ending")
    arguments = parser.parse_args()
    blas.install()
    lean.install()
    # Rasa is imported here because what is installed has to come first.
    from rasa.model_training import train
    from rasa.utils.common import configure_logging_and_warnings
    from rasa.utils.log_utils import configure_structlog

    configure_logging_and_warnings(log_level=logging.WARNING)
    configure_structlog(logging.WARNING)
    result = train(
        domain="domain",
        config="config.yml",
        training_files=["nlu", "stories"],
        output=str(arguments.output),
        fixed_model_name=arguments.name,
        force_training=True,
    )
    if result.code or not result.model:
        sys.exit(result.code or 1)
    print(f"Model written to {result.model}")


if __name__ == "__main__":
    main()
