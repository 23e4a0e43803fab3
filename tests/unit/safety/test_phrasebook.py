"""The notation of phrases: what each sign lets pass, and which phrases are refused."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigurationError
from bot.safety import phrasebook
from bot.safety.detect import fold
from bot.safety.phrasebook import BARRIER, GAP, Found, PhraseBook

GROUPS = {"he": "husband|my ex|brother*", "nested": "{he}|boss"}


def matches(phrase: str, text: str) -> bool:
    book = PhraseBook(fold)
    book.add("found", phrase, GROUPS)
    return any(book.search(text.split()))


@pytest.mark.parametrize(
    ("phrase", "text", "expected"),
    [
        ("hits me", "he hits me again", True),
        ("hits me", "he hits mexico", False),
        ("hits me", "he whits me", False),
        ("hit* me", "he hitting me", True),
        ("hit* me", "he hit me", True),
        ("hits … me", "hits me", True),
        ("hits … me", "hits a b c d me", True),
        ("hits … me", "hits a b c d e me", False),
        ("hits … me", f"hits {BARRIER} me", False),
        ("frauen_haus*", "frauenhauser", True),
        ("frauen_haus*", "frauen haus", True),
        ("frauen_haus*", "frauen ein haus", False),
        ("(hits|beats up|) me", "beats up me", True),
        ("(hits|beats up|) me", "me", True),
        ("(a (b|c d)|e) f", "a c d f", True),
        ("(a (b|c d)|e) f", "a f", False),
        ("{he} hits", "my ex hits", True),
        ("{he} hits", "brothers hits", True),
        ("{nested} hits", "husband hits", True),
        ("{nested} hits", "father hits", False),
        ("^ help", "help now", True),
        ("^ help", "please help", False),
        ("help $", "please help", True),
        ("help $", "help now", False),
        ("^ help $", "help", True),
        ("(^|please) help", "please help", True),
        ("(^|please) help", "you help", False),
        ("schlägt", "schlagt", True),
        ("schlägt", "schlaegt", True),
        ("يضرب", "ويضرب", True),
        ("يضرب", "بيضرب", False),
        ("*ضربني", "وبيضربني", True),
        ("*ضربني", "ضربني", True),
        ("*ضرب*", "عميضربونا", True),
        ("*ضربني", "استيضربني", False),
        ("one|two", "two", True),
    ],
)
def test_notation(phrase: str, text: str, expected: bool) -> None:
    assert matches(phrase, text) == expected


@pytest.mark.parametrize(
    "phrase",
    ["", "(", ")", "a)", "(a", "()", "(a|)", "…", "^", "^ $", "{nobody}", "{", "a} b",
     "don-t", "*", "a|", "_", "a_ b", "abc" * 11],
)  # fmt: skip
def test_a_phrase_that_breaks_the_rules_is_refused(phrase: str) -> None:
    with pytest.raises(ConfigurationError):
        PhraseBook(fold).add("label", phrase, GROUPS)


def test_found_phrases_are_told_with_label_and_place() -> None:
    book = PhraseBook(fold)
    book.add("one", "a b", {})
    book.add("two", "b … d", {})
    assert list(book.search(["x", "a", "b", "c", "d"])) == [
        Found("one", 1, 3),
        Found("two", 2, 5),
    ]


def test_phrases_added_after_a_search_are_found() -> None:
    book = PhraseBook(fold)
    book.add("one", "a", {})
    assert [found.label for found in book.search(["a", "b"])] == ["one"]
    book.add("two", "b", {})
    assert [found.label for found in book.search(["a", "b"])] == ["one", "two"]


def test_an_interrupted_search_does_not_hide_phrases_from_later_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    book = PhraseBook(fold)
    book.add("one", "a b", {})
    with monkeypatch.context() as patch:
        patch.setattr(phrasebook, "_reachable", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            list(book.search(["a", "b"]))
    assert list(book.search(["a", "b"])) == [Found("one", 0, 2)]


def test_phrases_that_begin_alike_do_not_lend_each_other_their_ends() -> None:
    book = PhraseBook(fold)
    book.add("one", "(a|b) c", {})
    book.add("two", "(a|b) d e", {})
    book.add("three", "a", {})
    assert [f.label for f in book.search(["b", "c", "e"])] == ["one"]
    assert [f.label for f in book.search(["b", "d"])] == []
    assert [f.label for f in book.search(["b"])] == []


@given(
    phrase=st.lists(st.sampled_from("abc"), min_size=1, max_size=4),
    text=st.lists(st.sampled_from("abc"), max_size=12),
)
def test_plain_phrases_are_found_exactly_where_they_stand(
    phrase: list[str], text: list[str]
) -> None:
    book = PhraseBook(fold)
    book.add("found", " ".join(phrase), {})
    expected = [
        Found("found", i, i + len(phrase))
        for i in range(len(text))
        if text[i : i + len(phrase)] == phrase
    ]
    assert list(book.search(text)) == expected


@given(between=st.lists(st.sampled_from("xyz"), max_size=8))
def test_a_gap_is_crossed_up_to_its_length(between: list[str]) -> None:
    assert matches("a … b", " ".join(["a", *between, "b"])) == (len(between) <= GAP)
