"""Messages typed in Latin letters get back the letters of their language."""

from __future__ import annotations

from pathlib import Path

import pytest
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.exceptions import RasaException
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from engine.examples import read_examples
from engine.romanised.component import NativeLetters, native_text
from engine.romanised.detector import is_latin, learn
from engine.romanised.lexicon import Lexicon, count_words
from engine.romanised.reader import Reader, learnt
from engine.romanised.spelling import SPELLINGS

NLU = Path(__file__).parents[2] / "nlu"


@pytest.fixture(scope="module")
def reader() -> Reader:
    examples = list(read_examples(NLU))
    return learnt([e.text for e in examples], [e.language for e in examples])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("mporw na kleisw ena rantevou gia tin doulia?", "ραντεβου"),
        ("psaxnw giatro pou na milaei ellinika", "γιατρό"),
        ("8elw na kanw ma8imata germanikon", "μαθήματα"),
        ("gde zapisatsya na kurs v stuttgarte", "записаться"),
        ("ishu detskogo vracha kotoriy govorit po russki", "врача"),
        ("shukayu kvartyru dlya simyi v shtutharti", "квартиру"),
        ("hochu zapysatysia na konsultatsiiu bud laska", "консультацію"),
        ("badi e7jez maw3ed 3end el mostashara", "موعد"),
        ("bde doctor byi7ki 3arabi", "عربي"),
        ("khune mikham ejare konam", "میخوام"),
        ("kojast mitunam zaban yad begiram", "زبان"),
    ],
)
def test_a_romanised_message_is_read(reader: Reader, typed: str, meant: str) -> None:
    words = reader.native(typed).split()
    assert meant in words, words


@pytest.mark.parametrize(
    "text",
    [
        "wo ist der Deutschkurs mit Kinderbetreuung",
        "where german course with babysitting",
        "çocuğum için kreş arıyorum",
        "tražim stan u Stuttgartu",
        "busco trabajo de cocinero",
        "szukam mieszkania dla dwóch osób",
        "onde posso aprender alemão com uma criança",
        "Termin",
        "B2",
        "ok",
        "/ask_job",
        "θέλω ραντεβού",
        "أريد موعد",
        "bachon ke liye kita ki jagah chahiye",
        "mera shohar mujhe marta hai madad karo",
        "mujhe naukri chahiye",
        "shaqo nadiifin ah baan raadinayaa",
        "ez li kar digerim",
        "",
    ],
)
def test_any_other_message_stays_as_it_is(reader: Reader, text: str) -> None:
    assert reader.native(text) == text


def test_one_word_typed_in_several_ways_has_one_sound() -> None:
    for language, ways in {
        "el": ["thelw", "8elo", "thelo"],
        "ar": ["mawa3id", "maw3ed", "mo3id"],
        "fa": ["khaane", "khane", "xune"],
        "ru": ["hochu", "khochu", "xochu"],
        "uk": ["hochu", "khochu"],
    }.items():
        spelling = SPELLINGS[language]
        sounds = [set(spelling.possible_sounds(way)) for way in ways]
        assert set.intersection(*sounds), (language, sounds)


@pytest.mark.parametrize("language", sorted(SPELLINGS))
def test_the_usual_rendering_of_a_word_leads_back_to_it(language: str) -> None:
    examples = [e.text for e in read_examples(NLU) if e.language == language]
    words = {word: count for word, count in count_words(examples).items() if count > 4}
    lexicon, spelling = Lexicon(language, words), SPELLINGS[language]
    typed = {word: spelling.romanised(word).replace("'", "") for word in words}
    back = [lexicon.native(latin) == word for word, latin in typed.items() if latin.isalpha()]
    # Words that differ only in what people leave out share one rendering.
    assert sum(back) / len(back) > 0.75


def test_words_that_no_lexicon_knows_are_spelled_and_german_ones_kept() -> None:
    lexicon = Lexicon("ru", {"курс": 1}, ["integrationskurs", "kurs"])
    assert lexicon.native("Kurs ili Integrationskurs 2, zhizn?") == (
        "курс или integrationskurs 2, жизн?"
    )


def test_latin_letters() -> None:
    assert is_latin("Größe b2 – çok 3arabi")
    assert not is_latin("kurs для мамы")
    assert not is_latin("12 !")


def test_a_detector_without_languages_finds_none() -> None:
    assert learn(["hallo welt", "guten tag"], ["de", "de"]).language("guten tag") is None


def test_what_is_saved_reads_alike(reader: Reader, tmp_path: Path) -> None:
    reader.save(tmp_path)
    again = Reader.open(tmp_path)
    for text in ("mporw na kleisw ena rantevou", "bde doctor byi7ki 3arabi", "guten Tag"):
        assert again.native(text) == reader.native(text)


def component(directory: Path, examples: Path) -> NativeLetters:
    directory.mkdir(exist_ok=True)
    config = {**NativeLetters.get_default_config(), "examples": str(examples)}
    return NativeLetters.create(config, LocalModelStorage(directory), Resource("letters"), None)


def test_the_component_learns_keeps_and_loads(tmp_path: Path) -> None:
    made = component(tmp_path / "model", NLU)
    typed = "hochu zapysatysia na konsultatsiiu bud laska"
    training = TrainingData(
        [Message({TEXT: typed, INTENT: "a"}), Message({TEXT: "guten Tag", INTENT: "b"})]
    )
    made.train(training)
    texts = [
        (e.get(TEXT), native_text(e)) for e in made.process_training_data(training).intent_examples
    ]
    assert ("guten Tag", "guten Tag") in texts
    assert (typed, typed) in texts, "the message as typed has to stay"
    assert len(texts) == 3

    loaded = NativeLetters.load(
        {}, LocalModelStorage(tmp_path / "model"), Resource("letters"), None
    )
    message, payload = Message({TEXT: typed}), Message({TEXT: "/ask_job"})
    loaded.process([message, payload])
    assert "консультацію" in native_text(message)
    assert "консультацію" in message.as_dict(only_output_properties=True)["native_text"]
    assert message.get(TEXT) == typed
    assert native_text(payload) == "/ask_job"


def test_training_without_folders_fails_clearly(tmp_path: Path) -> None:
    with pytest.raises(RasaException, match="No training messages"):
        component(tmp_path / "model", tmp_path / "nothing").train(TrainingData())
