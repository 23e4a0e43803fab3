"""The report on understanding: its evaluations and its page, on small made-up data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from benchmarks.nlu import evaluation, page
from benchmarks.nlu.messages import Messages, is_core, read_table
from engine.examples import read_examples
from engine.head import HeadSettings

TOPICS = {
    "ask_job": "work wage boss shift",
    "report_emergency": "knife blood threat fear",
    "out_of_scope": "football recipe weather joke",
}


def messages() -> Messages:
    generator = np.random.default_rng(3)
    rows = []
    for place, (intent, words) in enumerate(TOPICS.items()):
        for number in range(24):
            vector = generator.normal(0, 0.15, 8)
            vector[place] += 1
            drawn = " ".join(generator.choice(words.split(), 2))
            text = f"{drawn} {generator.integers(10**9)}"
            rows.append((text, intent, ("de", "tr")[number % 2], vector / np.linalg.norm(vector)))
    texts, intents, languages, vectors = zip(*rows, strict=True)
    stacked = np.stack(vectors).astype(np.float32)
    return Messages(np.array(texts), np.array(intents), np.array(languages), stacked)


def test_every_message_is_judged_by_a_head_not_taught_it() -> None:
    asked = messages()
    heard: list[str] = []
    given = evaluation.split(asked, evaluation.language_parts(asked), heard.append)
    assert heard == ["part 1 of 2", "part 2 of 2"]
    turkish = np.flatnonzero(asked.languages == "tr")
    german = asked.at(np.flatnonzero(asked.languages == "de"))
    alone = evaluation.predicted(german, asked.at(turkish), HeadSettings())
    np.testing.assert_allclose(given.probabilities[turkish], alone.probabilities, atol=1e-5)


def test_messages_alike_share_a_fold() -> None:
    asked = messages()
    texts = asked.texts.copy()
    texts[1], texts[2] = f"{texts[0]}!", texts[0].upper()
    folds = evaluation.folds_of(asked._replace(texts=texts), 4)
    assert folds[0] == folds[1] == folds[2]
    assert set(folds) == {0, 1, 2, 3}


def test_summary_counts_what_was_right() -> None:
    asked = messages()
    given = evaluation.split(asked, evaluation.folds_of(asked, 3), lambda _: None)
    given.probabilities[0] = [0.9 if name == "out_of_scope" else 0.05 for name in given.intents]
    found = evaluation.summary(asked, given)
    right = float((given.best == asked.intents).mean())
    assert found["all"] == round(right, 4) < 1
    confusion = {"intent": "ask_job", "taken_for": "out_of_scope", "messages": 1}
    assert confusion in found["confusions"]
    assert sum(row["messages"] for row in found["confidence"]) == len(asked.texts)
    curve = [row["out_of_scope_found"] for row in found["thresholds"]]
    assert curve == sorted(curve)


def test_page_holds_the_figures_and_escapes_names() -> None:
    asked = messages()
    given = evaluation.split(asked, evaluation.folds_of(asked, 3), lambda _: None)
    found = json.loads(json.dumps(evaluation.summary(asked, given)))
    report = {"messages": 72, "intents": 3, "languages": 2, "encoder": "e", "made": "today"}
    written = page.write_page({**report, "parts": {"<folds>": found, "other": found}})
    assert "&lt;folds&gt;" in written
    assert "<folds>" not in written
    assert f"{found['all']:.1%}" in written
    assert written.count("<svg") == 5


def test_core_intents_leave_privacy_and_smalltalk_out() -> None:
    names = np.array(["ask_job", "ask_privacy", "greet", "request_human", "report_emergency"])
    assert is_core(names).tolist() == [True, False, False, True, True]


def test_messages_are_read_from_both_kinds_of_file(tmp_path: Path) -> None:
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "jobs.yml").write_text(
        'version: "3.1"\nnlu:\n- intent: ask_job\n  examples: |\n    - Arbeit?\n- lookup: x\n'
        "  examples: |\n    - nothing\n",
        "utf-8",
    )
    (tmp_path / "table.tsv").write_text('language\tintent\ttext\npt\tgreet\t"olá\n', "utf-8")
    assert list(read_examples(tmp_path)) == [("de", "ask_job", "Arbeit?")]
    assert list(read_table(tmp_path / "table.tsv")) == [("pt", "greet", '"olá')]
