"""Commands typed with a leading slash."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import commands
from bot.i18n.languages import LANGUAGES, REPLY_LANGUAGES
from tests.support.talk import CATALOGUES


def payload(text: str) -> dict[str, object] | None:
    command = commands.parse(text)
    return command.payload if command else None


@pytest.mark.parametrize(("word", "intent"), commands.INTENTS.items())
def test_every_command_is_known_alone_and_addressed(word: str, intent: str) -> None:
    expected = {"intent": intent, "entities": {}}
    for written in (f"/{word}", f"/{word.upper()}", f"  /{word}\n", f"/{word}@lotse_bot"):
        assert payload(written) == expected
    assert payload(f"/{word} anything") == expected


@pytest.mark.parametrize(("word", "command"), commands.ROUTED.items())
def test_what_the_router_does_itself_is_known_too(word: str, command: str) -> None:
    for written in (f"/{word}", f"/{word.upper()}", f"  /{word}\n", f"/{word}@lotse_bot"):
        assert payload(written) == {"command": command}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "help",
        "help /help",
        "/unknown",
        "/helpx",
        "//help",
        "/ help",
        '/restart{"x":1}',
        '/restart {"x":1}',
        "/restart; drop",
        "/help me now",
        "/ask_job",
        "/start" + " x" * 2,
        "/language " + "x" * 36,
    ],
)
def test_anything_else_is_a_text_like_any_other(text: str) -> None:
    assert commands.parse(text) is None


@pytest.mark.parametrize("code", REPLY_LANGUAGES)
def test_a_language_is_known_by_code_and_by_its_own_name(code: str) -> None:
    expected = {"intent": "change_language", "entities": {"language": code}}
    name = LANGUAGES[code].endonym
    for word in (code, code.upper(), f"{code}-XX", name, name.lower(), name.upper()):
        assert payload(f"/language {word}") == expected


def test_a_recognised_language_not_served_is_named_too() -> None:
    assert payload("/language ku") == {
        "intent": "change_language",
        "entities": {"language": "ku"},
    }


@pytest.mark.parametrize("word", ["klingon", "12", "_", "-"])
def test_an_unknown_language_asks_which(word: str) -> None:
    assert payload(f"/language {word}") == {"intent": "change_language", "entities": {}}


@given(st.text(max_size=40))
def test_no_text_breaks_the_parser_and_only_known_intents_come_out(text: str) -> None:
    for written in (text, f"/{text}", f"/language {text}"):
        found = payload(written)
        assert found is None or (
            found["intent"] in commands.INTENTS.values()
            if "intent" in found
            else found["command"] in commands.ROUTED.values()
        )


@given(st.text(max_size=20))
def test_what_was_typed_never_stands_in_the_repr(text: str) -> None:
    assert repr(commands.Command({"intent": text})) == "Command()"


@pytest.mark.parametrize("language", REPLY_LANGUAGES)
def test_every_command_of_the_menu_exists_and_is_described(language: str) -> None:
    described = dict(commands.descriptions(CATALOGUES[language]))
    assert set(described) == (set(commands.INTENTS) | set(commands.ROUTED)) - {"start"}
    # Telegram allows 256 characters; a menu on a phone shows far less.
    assert all(0 < len(text) <= 40 for text in described.values())
