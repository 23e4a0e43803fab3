"""Finding the right page for a question in another language: OMoS-QA, German pages.

    python -m benchmarks.omos_qa DIRECTORY      with train_de.jsonl, dev_de.jsonl and so on

Questions of OMoS-QA (CC BY 4.0, digitalfabrik) in five languages are searched in all its
German pages by the parts of the product's search: passages with their title, vectors
without language, words. Nothing is trained here; the weight of words is the product's.
"answered" are questions that the page answers, as its annotators found; the others were
asked about a page that does not hold the answer, and stand beside them for completeness.
Ties count as misses.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import encoder
from benchmarks.report import machine
from bot.measures.encoding import SentenceMeanings
from bot.measures.search.codes import Matrix
from bot.measures.search.entries import chunks
from bot.measures.search.ranking import COMMON_WORDS
from bot.measures.search.terms import words

LANGUAGES = ("de", "en", "ar", "fr", "uk")
AIMS = {"de": 0.88, **dict.fromkeys(LANGUAGES[1:], 0.65)}
FIRST = 5
# BM25 with its usual constants.
K1, B = 1.2, 0.75


@dataclass(frozen=True)
class Question:
    """A question, where it comes from and the number of its page."""

    part: str
    language: str
    text: str
    page: int
    answered: bool


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory", type=Path)
    pages, questions = _read(parser.parse_args().directory)
    passages = [list(chunks(title, lines)) for title, lines in map(_split, pages)]
    owners = np.repeat(np.arange(len(pages)), [len(part) for part in passages])
    said = [question.text for question in questions]
    flat = [text for part in passages for text in part]
    meanings = SentenceMeanings(threads=2)
    asked = np.array([meanings.query(text) for text in said])
    neutral = _best(asked @ meanings.passages(flat).T, owners)
    raw_model = encoder.load(threads=2)
    raw = _best(raw_model.encode(said) @ raw_model.encode(flat, kind="passage").T, owners)
    found = {
        "search": neutral + COMMON_WORDS * _shared(said, pages),
        "meaning": neutral,
        "raw vectors": raw,
        "BM25": _bm25(said, pages),
    }
    print(machine({"encoder": meanings.name, "pages": str(len(pages)), "passages": str(len(flat))}))
    for part, answered in ((("dev",), True), (("train", "dev"), True), (("train", "dev"), False)):
        name = "answered" if answered else "all, answered or not"
        print(f"\n| recall@{FIRST}, {'+'.join(part)}, {name} | n | {' | '.join(found)} | aim |")
        print("|---|---:|" + "---:|" * (len(found) + 1))
        for language in LANGUAGES:
            chosen = [
                index
                for index, question in enumerate(questions)
                if question.language == language
                and question.part in part
                and (question.answered or not answered)
            ]
            cells = " | ".join(f"{_recall(s, questions, chosen):.3f}" for s in found.values())
            print(f"| {language} | {len(chosen)} | {cells} | {AIMS[language]} |")


def _read(directory: Path) -> tuple[list[str], list[Question]]:
    pages: dict[int, str] = {}
    rows = []
    for part in ("train", "dev"):
        for language in LANGUAGES:
            with (directory / f"{part}_{language}.jsonl").open(encoding="utf-8") as file:
                for row in map(json.loads, file):
                    rows.append((part, language, row))
                    if language == "de":
                        pages.setdefault(row["pageId"], row["context"])
    number = {page: index for index, page in enumerate(pages)}
    questions = [
        Question(part, language, row["question"], number[row["pageId"]], bool(row["answers"]))
        for part, language, row in rows
    ]
    return list(pages.values()), questions


def _split(page: str) -> tuple[str, list[str]]:
    """The title and the lines below it; pages repeat their title."""
    title, *lines = [line.strip() for line in page.splitlines() if line.strip()]
    return title, [line for line in lines if line != title]


def _best(similarities: Matrix, owners: np.ndarray) -> np.ndarray:
    """For each question and page the similarity of the nearest passage."""
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    return np.maximum.reduceat(similarities, starts, axis=1)


def _shared(said: Sequence[str], pages: Sequence[str]) -> np.ndarray:
    """The share of each question's words that stand in each page, as the search weighs them."""
    sets = [set(words(page)) for page in pages]
    counts = Counter(word for own in sets for word in own)
    result = np.zeros((len(said), len(pages)))
    for row, text in enumerate(said):
        asked = dict.fromkeys(words(text))
        weights = {word: _rareness(counts[word], len(pages)) for word in asked}
        for column, own in enumerate(sets):
            result[row, column] = sum(weight for w, weight in weights.items() if w in own)
        result[row] /= sum(weights.values()) or 1.0
    return result


def _rareness(count: int, total: int) -> float:
    return math.log(1 + (total - count + 0.5) / (count + 0.5))


def _bm25(said: Sequence[str], pages: Sequence[str]) -> np.ndarray:
    documents = [Counter(words(page)) for page in pages]
    lengths = np.array([sum(document.values()) for document in documents])
    counts = Counter(word for document in documents for word in document)
    result = np.zeros((len(said), len(pages)))
    for row, text in enumerate(said):
        for word in set(words(text)) & counts.keys():
            weight = _rareness(counts[word], len(pages))
            often = np.array([document[word] for document in documents])
            usual = K1 * (1 - B + B * lengths / lengths.mean())
            result[row] += weight * often * (K1 + 1) / (often + usual)
    return result


def _recall(scores: np.ndarray, questions: Sequence[Question], chosen: Sequence[int]) -> float:
    hits = [
        int((scores[index] >= scores[index, questions[index].page]).sum()) <= FIRST
        for index in chosen
    ]
    return sum(hits) / len(hits)


if __name__ == "__main__":
    main()
