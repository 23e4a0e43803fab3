"""Every word the page needs exists, in one place."""

from __future__ import annotations

import re
from pathlib import Path

import bot.channels.web
from bot.channels.web.texts import error_texts, page_texts

ROOM = Path(bot.channels.web.__path__[0])
TEMPLATE = (ROOM / "templates" / "chat.html").read_text(encoding="utf-8")
SCRIPTS = "".join(path.read_text(encoding="utf-8") for path in (ROOM / "static").glob("*.js"))
PYTHON = "".join(path.read_text(encoding="utf-8") for path in ROOM.glob("*.py"))


def source(text: str) -> str:
    return text


def test_every_text_named_in_the_template_exists() -> None:
    named = set(re.findall(r'data-text(?:-\w+)?="(\w+)"', TEMPLATE))
    rendered = set(re.findall(r"page\.texts\.(\w+)", TEMPLATE))

    assert named | rendered - {"content"} <= set(page_texts(source)) | {"description"}


def test_every_text_named_in_the_scripts_exists() -> None:
    named = set(re.findall(r'#text\("(\w+)"|#texts\.(\w+)|banner\("(\w+)"', SCRIPTS))

    assert {name for names in named for name in names if name} <= set(page_texts(source))


def test_every_text_is_used() -> None:
    unused = {
        name for name in page_texts(source) if not re.search(rf"\b{name}\b", TEMPLATE + SCRIPTS)
    }

    assert unused == set()


def test_every_refusal_has_words() -> None:
    codes = set(re.findall(r'RefusedError\(\s*\d+, "(\w+)"', PYTHON)) | {"too_long", "invalid"}

    assert codes == set(error_texts(source))


def test_texts_pass_through_gettext() -> None:
    texts = page_texts(str.upper) | error_texts(str.upper)

    assert all(text == text.upper() for text in texts.values())


def test_no_script_makes_markup_of_texts() -> None:
    forbidden = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(")

    assert [word for word in forbidden if word in SCRIPTS] == []
