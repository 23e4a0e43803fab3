"""The language registry: names, directions, platform tags and the nearest served language."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.i18n.languages import (
    DEFAULT_LANGUAGE,
    LANGUAGES,
    REPLY_LANGUAGES,
    direction,
    from_platform,
    nearest_reply_language,
)

PLANNED = ("de", "en", "tr", "ar", "uk", "ru", "fa", "fr", "es", "it", "hr", "ro", "pl", "el")
FIVE = PLANNED[:5]


@pytest.mark.parametrize(
    ("code", "endonym"),
    [
        *(("de", "Deutsch"), ("tr", "Türkçe"), ("ar", "العربية"), ("uk", "Українська")),
        *(("fa", "فارسی"), ("hr", "Hrvatski"), ("el", "Ελληνικά"), ("sq", "Shqip")),
    ],
)
def test_endonym_is_what_speakers_call_it(code: str, endonym: str) -> None:
    assert LANGUAGES[code].endonym == endonym


def test_registry_marks_exactly_the_reply_languages() -> None:
    assert {language.code for language in LANGUAGES.values() if language.reply} == set(
        REPLY_LANGUAGES
    )
    assert set(PLANNED) <= LANGUAGES.keys()
    assert DEFAULT_LANGUAGE in REPLY_LANGUAGES
    assert all(code == language.code for code, language in LANGUAGES.items())


def test_right_to_left_languages() -> None:
    assert {c for c in LANGUAGES if direction(c) == "rtl"} == {
        *("ar", "fa", "ur", "ps", "ckb", "he", "ug")
    }
    assert direction("ar-SY") == "rtl"
    assert direction("no language") == "ltr"


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        *(("ar-SY", "ar"), ("uk-UA", "uk"), ("pt-br", "pt"), ("PT_BR", "pt"), (" de ", "de")),
        *(("zh-hans-CN", "zh"), ("de-DE-u-co-phonebk", "de"), ("iw", "he"), ("prs", "fa")),
        *(("kmr", "ku"), ("ckb-IQ", "ckb"), ("sr-Latn-RS", "sr"), ("sh", "hr"), ("mo", "ro")),
        *((None, None), ("", None), ("-", None), ("d", None), ("xx", None), ("deutsch", None)),
        *(("de DE", None), ("de-", None), ("tlh", None), ("ar\n", "ar"), ("аr", None)),
    ],
)
def test_platform_tag(tag: str | None, code: str | None) -> None:
    assert from_platform(tag) == code


@pytest.mark.parametrize(
    ("code", "of_five", "of_fourteen"),
    [
        *(("pt", "en", "es"), ("bg", "en", "ru"), ("ru", "uk", "ru"), ("be", "uk", "ru")),
        *(("sr", "en", "hr"), ("bs", "en", "hr"), ("mk", "en", "hr"), ("az", "tr", "tr")),
        *(("ku", "tr", "tr"), ("ckb", "ar", "fa"), ("ps", "en", "fa"), ("prs", "en", "fa")),
        *(("fa", "en", "fa"), ("sq", "en", "en"), ("vi", "en", "en"), ("ti", "en", "en")),
        *(("uk-UA", "uk", "uk"), ("junk!", "de", "de"), (None, "de", "de")),
    ],
)
def test_nearest_language(code: str | None, of_five: str, of_fourteen: str) -> None:
    assert nearest_reply_language(code, FIVE) == of_five
    assert nearest_reply_language(code, PLANNED) == of_fourteen


def test_nearest_language_of_any_pair_that_is_served() -> None:
    for served in combinations(PLANNED, 2):
        for code in LANGUAGES:
            nearest = nearest_reply_language(code, served)
            assert nearest in served
            assert nearest == code or code not in served


def test_serving_no_language_is_refused() -> None:
    with pytest.raises(ValueError, match="served"):
        nearest_reply_language("de", ())


@given(st.text())
def test_any_tag_is_a_recognised_language_or_none(tag: str) -> None:
    code = from_platform(tag)
    assert code is None or code in LANGUAGES
    assert nearest_reply_language(tag) in REPLY_LANGUAGES
