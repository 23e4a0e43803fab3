"""Emergencies are recognised in every language with phrases, and nothing else is taken for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from bot.errors import ConfigurationError
from bot.i18n.languages import REPLY_LANGUAGES
from bot.safety import detect as module
from bot.safety.answers import Emergency
from bot.safety.detect import PHRASES, detect, fold

CASES = Path(__file__).parent / "cases"
TAUGHT = ("de", "en", "tr", "ar", "uk", "ru", "fa", "fr", "es", "it", "hr", "ro", "pl", "el")
COVERED = tuple(sorted(path.stem for path in PHRASES.glob("*.yml")))
NLU = Path(__file__).parents[3] / "nlu"
RECALL_AT_LEAST = 0.9


class Example(NamedTuple):
    language: str
    intent: str
    text: str


def read_cases(language: str) -> tuple[list[tuple[Emergency, str]], list[str]]:
    data = yaml.safe_load((CASES / f"{language}.yml").read_text("utf-8"))
    emergencies = [
        (Emergency(kind), text) for kind, texts in data["emergencies"].items() for text in texts
    ]
    return emergencies, data["harmless"]


def training_examples() -> Iterator[Example]:
    for path in sorted(NLU.glob("*/*.yml")):
        for block in yaml.safe_load(path.read_text("utf-8")).get("nlu", []):
            for line in (block.get("examples") or "").splitlines():
                if "intent" in block and line.startswith("- "):
                    yield Example(path.parent.name, block["intent"], line.removeprefix("- "))


EMERGENCIES = [
    pytest.param(kind, text, id=f"{language}-{kind}-{number}")
    for language in COVERED
    for number, (kind, text) in enumerate(read_cases(language)[0])
]
HARMLESS = [
    pytest.param(text, id=f"{language}-{number}")
    for language in COVERED
    for number, text in enumerate(read_cases(language)[1])
]
TRAINING = list(training_examples())
REPORTS = [e for e in TRAINING if e.intent == "report_emergency"]


@pytest.mark.parametrize(("kind", "text"), EMERGENCIES)
def test_an_emergency_is_recognised_with_its_kind(kind: Emergency, text: str) -> None:
    assert detect(text) == kind


@pytest.mark.parametrize("text", HARMLESS)
def test_a_near_miss_is_no_emergency(text: str) -> None:
    assert detect(text) is None


@pytest.mark.parametrize("language", COVERED)
def test_every_language_has_enough_cases_of_every_kind(language: str) -> None:
    emergencies, harmless = read_cases(language)
    assert {kind for kind, _ in emergencies} == set(Emergency)
    assert len(emergencies) >= (25 if language in TAUGHT else 18)
    assert len(harmless) >= (20 if language in TAUGHT else 12)


@pytest.mark.parametrize("kind", Emergency)
def test_every_kind_has_phrases_in_every_language(kind: Emergency) -> None:
    without = [
        path.name
        for path in PHRASES.glob("*.yml")
        if not yaml.safe_load(path.read_text("utf-8")).get(kind)
    ]
    assert without == []


def test_every_language_of_replies_has_phrases_and_cases() -> None:
    assert set(REPLY_LANGUAGES) <= set(COVERED)
    assert {path.stem for path in CASES.glob("*.yml")} == set(COVERED)


def test_no_training_message_of_another_intent_is_taken_for_an_emergency() -> None:
    false_alarms = [
        (e.language, e.intent, detect(e.text), e.text)
        for e in TRAINING
        if e.intent != "report_emergency" and detect(e.text) is not None
    ]
    assert false_alarms == []


@pytest.mark.parametrize("language", sorted({e.language for e in REPORTS}))
def test_most_training_reports_are_recognised_without_the_model(language: str) -> None:
    texts = [e.text for e in REPORTS if e.language == language]
    recall = sum(detect(text) is not None for text in texts) / len(texts)
    print(f"{language}: {recall:.0%} of {len(texts)} reports")
    assert recall >= RECALL_AT_LEAST


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("my husband beats me and i want to die", Emergency.SUICIDE),
        ("mein mann schlägt mich und die kinder", Emergency.VIOLENCE),
        ("we sleep on the street, he beats me", Emergency.VIOLENCE),
        ("schlafe auf der straße und blute stark", Emergency.MEDICAL),
    ],
)
def test_the_most_pressing_kind_is_named(text: str, kind: Emergency) -> None:
    assert detect(text) == kind


def test_a_harmless_phrase_does_not_hide_an_emergency_beside_it() -> None:
    assert detect("my phone is dead and my husband hits me") == Emergency.VIOLENCE
    assert detect("ich sterbe vor hunger. mein mann sperrt mich ein") == Emergency.VIOLENCE


def test_a_phrase_does_not_reach_across_a_harmless_one() -> None:
    assert detect("we have no place, i am dying of hunger, tonight") is None


@pytest.mark.parametrize(
    "text",
    [
        "I DON'T WANT TO LIVE ANYMORE!!!",
        "i dont want to live anymore",
        "i don’t   want,to live any more",
        "I dón't wánt to líve anymore",
        "i don't want to liiiiive anymooooore",
        "i don't\u200b want to live\u200f anymore",
        "»i don't want to live anymore«",
    ],
)
def test_spelling_marks_and_case_do_not_matter(text: str) -> None:
    assert detect(text) == Emergency.SUICIDE


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("", ""),
        ("Schlägt mich!", "schlagt mich"),
        ("don't", "dont"),
        ("d'endroit", "d endroit"),
        ("dell'acqua", "dell acqua"),
        ("б'є", "бє"),
        ("бʼє", "бє"),
        ("İSTANBUL ışık", "istanbul isik"),
        ("أُريدُ الحيــاة", "اريد الحياه"),
        ("می‌زند", "ميزند"),
        ("خانۀ ما", "خانه ما"),
        ("لێم دەدات، خۆم دەکوژم، هەڕەشە، منداڵ", "ليم دهدات خوم دهكوژم ههرهشه مندال"),
        ("połknął đak", "polknal dak"),
        ("άνθρωπος", "ανθρωποσ"),
        ("heeelp 1111", "help 1111"),
        ("मेरा पति मारता है!", "मरा पति मारता ह"),
        ("আমি বাঁচতে চাই না", "আমি বাচতে চাই না"),
        ("我丈夫打我，救命", "我 丈 夫 打 我 救 命"),
        ("ባለቤቴ፡ይመታኛል።", "ባለቤቴ ይመታኛል"),
        ("ሐኪም ኃይል ሃሳብ ሥራ ፀሐይ ዓመት ኣይወቕዐን", "ሀኪም ሀይል ሀሳብ ስራ ጸሀይ አመት አይወቅአን"),
        ("tôi muốn chết", "toi muon chet"),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text(max_size=400))
@example("\x00")
@example("·")
@example("и" * 10_000)
@example("ich " * 2_500)
def test_any_text_is_accepted(text: str) -> None:
    assert detect(text) in (None, *Emergency)


@given(st.text(max_size=200))
def test_a_folded_text_is_made_of_single_words(text: str) -> None:
    assert all(word.isprintable() for word in fold(text).split(" "))
    assert fold(text) == " ".join(fold(text).split())


@given(before=st.sampled_from(["", "hallo ", "sorry, ", "مرحبا "]), after=st.text(max_size=60))
def test_words_around_a_plain_phrase_do_not_hide_it(before: str, after: str) -> None:
    assert detect(f"{before}my husband strangled me. {after}") is not None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("alarm: [help]\n", "unknown kinds alarm"),
        ("danger: ['(fire']\n", "a bracket is never closed"),
        ("danger: ['{weapon}']\n", "no words are given for {weapon}"),
        ("danger: {en: [fire]}\n", "danger does not hold texts alone"),
        ("danger: [no]\n", "danger does not hold texts alone"),
        ("words: [fire]\n", "words does not hold texts alone"),
        ("- fire\n", "kinds of emergency must stand here"),
    ],
)
def test_a_faulty_file_is_reported(
    content: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "en.yml").write_text(content, "utf-8")
    monkeypatch.setattr(module, "PHRASES", tmp_path)
    with pytest.raises(ConfigurationError) as raised:
        module.load()
    assert "en.yml: " in str(raised.value)
    assert message in str(raised.value)


def test_a_missing_folder_of_phrases_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PHRASES", tmp_path / "phrases")
    with pytest.raises(ConfigurationError, match="no phrases of emergencies in phrases"):
        module.load()
