"""Words in the reader's language, and values put safely into them."""

from __future__ import annotations

import gettext
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigurationError
from bot.i18n.languages import REPLY_LANGUAGES
from bot.i18n.texts import FIRST_STRONG_ISOLATE, POP_ISOLATE, Catalogues, Texts, isolate
from tests.support.talk import CATALOGUES

DAY = date(2026, 2, 9)
UNTRANSLATED = gettext.NullTranslations()


@pytest.mark.parametrize("language", REPLY_LANGUAGES)
def test_every_reply_language_has_its_texts(language: str) -> None:
    texts = CATALOGUES[language]
    assert texts.language == language
    assert (texts.gettext("Housing") == "Housing") is (language == "en")


@pytest.mark.parametrize("language", [None, "", "xx", "pt"])
def test_an_unserved_language_gets_english(language: str | None) -> None:
    assert CATALOGUES.get(language).language == "en"


def test_an_unserved_language_asked_for_by_name_is_an_error() -> None:
    with pytest.raises(KeyError):
        CATALOGUES["xx"]


def test_catalogues_not_compiled_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="make texts-compile"):
        Catalogues(tmp_path)


def test_an_unknown_text_stays_as_it_is() -> None:
    assert CATALOGUES["de"].gettext("never translated") == "never translated"


def test_an_empty_text_is_not_the_catalogues_header() -> None:
    assert CATALOGUES["de"].gettext("") == ""


# Inserting values


def test_values_stand_where_their_names_do() -> None:
    texts = Texts("en", UNTRANSLATED)
    assert texts.gettext("{b} and {a}", a=1, b="two") == "two and 1"


def test_braces_in_a_text_without_values_stay() -> None:
    assert Texts("en", UNTRANSLATED).gettext('write {"x": 1}') == 'write {"x": 1}'


@given(st.text(max_size=40))
def test_a_value_is_inserted_as_it_is(value: str) -> None:
    assert Texts("en", UNTRANSLATED).gettext("<{name}>", name=value) == f"<{value}>"


@given(st.text(min_size=1, max_size=40))
def test_in_a_right_to_left_text_a_value_stands_between_isolates(value: str) -> None:
    written = Texts("ar", UNTRANSLATED).gettext("<{name}>", name=value)
    assert written == f"<{FIRST_STRONG_ISOLATE}{value}{POP_ISOLATE}>" == f"<{isolate(value)}>"


def test_nothing_needs_no_isolates() -> None:
    assert Texts("ar", UNTRANSLATED).gettext("<{name}>", name="") == "<>"


@pytest.mark.parametrize(("language", "expected"), [("ar", True), ("de", False), ("tr", False)])
def test_writing_directions(language: str, expected: bool) -> None:
    assert CATALOGUES[language].is_right_to_left is expected


@pytest.mark.parametrize(("number", "expected"), [(0, "0 things"), (1, "1 thing"), (2, "2 things")])
def test_english_has_two_forms(number: int, expected: str) -> None:
    assert CATALOGUES["en"].ngettext("{number} thing", "{number} things", number) == expected


def test_a_plural_takes_further_values() -> None:
    text = CATALOGUES["en"].ngettext("{number} thing in {city}", "{number} in {city}", 1, city="X")
    assert text == "1 thing in X"


# Dates, lists, names


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("de", "09.02.2026"),
        ("en", "Feb 9, 2026"),
        ("tr", "9 Şub 2026"),
        ("uk", "9 лют. 2026\u202fр."),
    ],
)
def test_days_are_written_as_the_reader_does(language: str, expected: str) -> None:
    assert CATALOGUES[language].date(DAY) == expected


def test_a_moment_is_written_in_the_zone_it_carries() -> None:
    moment = datetime(2026, 2, 9, 14, 5, tzinfo=UTC)
    assert CATALOGUES["de"].moment(moment) == "09.02.26, 14:05"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026", "2026"),
        ("2026-02", "Februar 2026"),
        ("2026-02-09", "09.02.2026"),
        ("", ""),
        ("2026-13", "2026-13"),
        ("2026-02-30", "2026-02-30"),
        ("2022 bis 2024", "2022 bis 2024"),
        ("2022-2024-2025-2026", "2022-2024-2025-2026"),
        ("-", "-"),
    ],
)
def test_a_date_is_as_exact_as_it_is_known(written: str, expected: str) -> None:
    assert CATALOGUES["de"].partial_date(written) == expected


@given(st.text(max_size=20))
def test_any_text_may_stand_for_a_date(written: str) -> None:
    for language in REPLY_LANGUAGES:
        assert isinstance(CATALOGUES[language].partial_date(written), str)


@pytest.mark.parametrize(
    ("items", "expected"),
    [([], ""), (["a"], "a"), (["a", "b"], "a und b"), (["a", "b", "c"], "a, b und c")],
)
def test_a_list_reads_as_a_sentence_does(items: list[str], expected: str) -> None:
    assert CATALOGUES["de"].enumeration(items) == expected


@pytest.mark.parametrize(
    ("language", "code", "expected"),
    [("de", "uk", "Ukrainisch"), ("tr", "ar", "Arapça"), ("en", "xx", "xx")],
)
def test_languages_have_names_in_every_language(language: str, code: str, expected: str) -> None:
    assert CATALOGUES[language].language_name(code) == expected
