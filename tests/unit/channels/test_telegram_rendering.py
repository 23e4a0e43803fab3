"""Dividing, tagging and escaping what is sent to Telegram."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.telegram.rendering import Part, render
from bot.channels.telegram.text import is_blank, split, utf16_length
from bot.errors import DeliveryRefusedError
from bot.messages import Button, Card, CardLine, Document, OutgoingMessage
from tests.support.bot_api.markup import parse_html

CARD = Card(
    title="Deutschkurs <B1> & mehr",
    subtitle="vhs stuttgart",
    body="Für Frauen.",
    lines=(
        CardLine(label="Telefon", value="\u20680711 1873-800\u2069", kind="phone"),
        CardLine(label="E-Mail", value="info@vhs.example", kind="email"),
        CardLine(label="Web", value="https://vhs.example/kurs?a=1&b=2", kind="url"),
        CardLine(label="", value="Bitte vorher anrufen", kind="note"),
        CardLine(label="Kosten", value="0 €"),
    ),
    source_label="vhs.example, 3.11.2025",
    source_url="https://vhs.example/b1",
)

CARD_HTML = """\
Gefunden:

<b>Deutschkurs &lt;B1&gt; &amp; mehr</b>
<i>vhs stuttgart</i>

Für Frauen.

Telefon: \u20680711 1873-800\u2069
E-Mail: info@vhs.example
Web: <a href="https://vhs.example/kurs?a=1&amp;b=2">https://vhs.example/kurs?a=1&amp;b=2</a>
<i>Bitte vorher anrufen</i>
Kosten: 0 €
<a href="https://vhs.example/b1">vhs.example, 3.11.2025</a>"""

# Letters, emoji beyond the basic plane, combining marks, joiners, white space, markup.
pieces = st.text(alphabet=st.sampled_from("aб م😀\u0301\u200d👩\n\t <&>\"'")) | st.text()


def test_a_card() -> None:
    (part,) = render(OutgoingMessage(text="Gefunden:", cards=(CARD,)))
    assert part.html == CARD_HTML
    assert part.plain == parse_html(part.html).text


def test_a_bare_card_has_no_empty_lines() -> None:
    (part,) = render(OutgoingMessage(cards=(Card(title="Kurs"),)))
    assert part.html == "<b>Kurs</b>"


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "tel:+49711",
        "http://",
        "http://[broken",
        "https://a b",
        "www.vhs.example",
    ],
)
def test_addresses_that_telegram_would_refuse_stay_plain(address: str) -> None:
    card = Card(
        title="x", lines=(CardLine(label="Web", value=address, kind="url"),), source_url=address
    )
    (part,) = render(OutgoingMessage(cards=(card,)))
    assert "<a" not in part.html
    assert parse_html(part.html).text.count(address) == 2


def test_isolates_around_an_address_do_not_get_into_the_link() -> None:
    line = CardLine(label="Web", value="\u2068https://vhs.example\u2069", kind="url")
    (part,) = render(OutgoingMessage(cards=(Card(title="x", lines=(line,)),)))
    assert '<a href="https://vhs.example">\u2068https://vhs.example\u2069</a>' in part.html


def test_short_titles_share_a_row_and_the_last_part_carries_the_buttons() -> None:
    titles = ["More", "Details", "A title that is far too long to share", "Other", "Person", "End"]
    buttons = tuple(Button(title=title, key=f"k{i}") for i, title in enumerate(titles))
    first, last = render(OutgoingMessage(text="word " * 1000, buttons=buttons))
    assert first.keyboard == ()
    assert [[title for title, _ in row] for row in last.keyboard] == [
        ["More", "Details"],
        ["A title that is far too long to share"],
        ["Other", "Person"],
        ["End"],
    ]
    assert last.keyboard[0] == (("More", "k0"), ("Details", "k1"))


@pytest.mark.parametrize("key", ["", "ж" * 33])
def test_a_key_that_telegram_would_refuse_is_refused_before_anything_is_sent(key: str) -> None:
    with pytest.raises(DeliveryRefusedError):
        render(OutgoingMessage(text="x", buttons=(Button(title="y", key=key),)))


def test_a_message_without_words_is_not_sent_but_its_buttons_are() -> None:
    assert render(OutgoingMessage(text=" \n\u2069 ")) == []
    assert render(OutgoingMessage(buttons=(Button(title="y", key="k"),))) == [
        Part("👇", "👇", ((("y", "k"),),))
    ]


def test_cards_stay_whole_where_they_fit() -> None:
    cards = tuple(Card(title=f"T{i}", body="word " * 500) for i in range(3))
    parts = render(OutgoingMessage(text="Intro", cards=cards))
    assert [part.html.count("<b>") for part in parts] == [1, 1, 1]
    assert parts[0].html.startswith("Intro\n\n<b>T0</b>")


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("one two", 7, ["one two"]),
        ("one two three", 8, ["one two", "three"]),
        ("aaaa\n\nbb cc dd", 9, ["aaaa", "bb cc dd"]),
        ("aaa bbb\nccc ddd", 11, ["aaa bbb", "ccc ddd"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("😀😀😀", 4, ["😀😀", "😀"]),
        ("aae\u0301b", 3, ["aa", "e\u0301b"]),
        ("aa👩\u200d👧b", 6, ["aa", "👩\u200d👧b"]),
        ("  ", 5, []),
    ],
)
def test_where_text_is_cut(text: str, limit: int, expected: list[str]) -> None:
    assert [text[start:end] for start, end in split(text, limit)] == expected


@given(pieces, st.integers(min_value=2, max_value=40))
def test_no_piece_is_too_long_and_nothing_is_lost(text: str, limit: int) -> None:
    found = [text[start:end] for start, end in split(text, limit)]
    assert all(0 < utf16_length(piece) <= limit for piece in found)
    assert "".join("".join(found).split()) == "".join(text.split())


def _sentence(text: str) -> str:
    return text * 700


def _visible(text: str) -> str:
    return "".join(char for char in text if not is_blank(char))


@settings(max_examples=40, deadline=None)
@given(
    text=pieces.map(_sentence),
    title=pieces,
    body=pieces.map(_sentence),
    value=pieces,
    kind=st.sampled_from(["text", "phone", "email", "url", "note"]),
)
def test_every_part_is_what_telegram_takes(
    text: str, title: str, body: str, value: str, kind: str
) -> None:
    card = Card(title=title, body=body, lines=(CardLine(label="Label", value=value, kind=kind),))
    parts = render(OutgoingMessage(text=text, cards=(card,)))
    words = ""
    for part in parts:
        parsed = parse_html(part.html)
        assert parsed.text == part.plain
        assert parsed.dropped_links == []
        assert 0 < utf16_length(part.plain) <= 4096
        words += part.plain
    assert _visible(words) == _visible(f"{text}{title}{body}Label: {value}")


def test_files_follow_the_words_as_messages_of_their_own() -> None:
    file = Document(name="a.ics", title="Calendar file", media_type="text/calendar", content="x")
    words, sent = render(
        OutgoingMessage(text="Booked.", documents=(file,), buttons=(Button(title="ok", key="k"),))
    )
    assert words.keyboard
    assert sent == Part("", "", document=file)
