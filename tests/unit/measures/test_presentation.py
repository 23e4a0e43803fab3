"""Cards: nothing on them that the row does not say, and always where it comes from."""

from __future__ import annotations

import re
import shutil
import unicodedata
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from bot.db.session import Database
from bot.i18n.languages import REPLY_LANGUAGES
from bot.i18n.texts import FIRST_STRONG_ISOLATE, POP_ISOLATE
from bot.measures.models import Measure, MeasureText, Organization
from bot.measures.presentation import SHORT_BODY, STALE_AFTER, card, is_stale
from bot.messages import Card
from tests.support.measures import (
    all_measures,
    import_starter_measures,
    starter_rows,
    starter_words,
)
from tests.support.talk import CATALOGUES

TODAY = date(2026, 11, 23)
ENGLISH = CATALOGUES["en"]
TEXT_LANGUAGES = sorted(starter_words())
WORDS = ("description", "target_group", "cost", "eligibility", "opening_hours", "registration")


def measure(texts: dict[str, dict[str, str]] | None = None, **changes: Any) -> Measure:
    """An offer that knows nothing but its title and source, unless told more."""
    values: dict[str, Any] = {
        "id": "one",
        "external_id": "one",
        "status": "published",
        **{name: [] for name in ("levels", "audience", "formats", "times", "languages")},
        **dict.fromkeys(("address", "district", "postal_code", "city"), ""),
        **dict.fromkeys(("phone", "email", "website", "source_date", "note"), ""),
        "source_url": "https://example.org/page",
        "source_title": "The page",
        "harm_if_stale": False,
    }
    provider = changes.pop("provider", "")
    row = Measure(**{**values, **changes})
    row.organization = Organization(name=provider) if provider else None
    for language, words in (texts or {"en": {"title": "Course"}}).items():
        complete = {**dict.fromkeys(WORDS, ""), **words}
        row.texts.append(MeasureText(language=language, state="original", **complete))
    return row


def plain(text: str) -> str:
    return text.replace(FIRST_STRONG_ISOLATE, "").replace(POP_ISOLATE, "")


def western(text: str) -> str:
    """The text with the digits 0 to 9: Persian dates come with digits of their own."""
    return "".join(
        str(unicodedata.digit(character)) if character.isdigit() else character
        for character in text
    )


def facts(shown: Card) -> dict[str, str]:
    return {line.label: line.value for line in shown.lines if line.kind != "note"}


def notes(shown: Card) -> list[str]:
    return [line.value for line in shown.lines if line.kind == "note"]


# Over the real data


@pytest.fixture(scope="module")
def rows(
    tmp_path_factory: pytest.TempPathFactory, migrated_file: Path
) -> list[tuple[dict[str, str], dict[str, dict[str, str]], Measure]]:
    """Each starter row, its words by language, and the measure they make."""
    path = tmp_path_factory.mktemp("starter") / "lotse.db"
    shutil.copy(migrated_file, path)
    database = Database(f"sqlite:///{path}")
    import_starter_measures(database)
    made = {measure.external_id: measure for measure in all_measures(database)}
    database.dispose()
    texts = starter_words()
    return [
        (
            row,
            {code: entries[row["id"]] for code, entries in texts.items() if row["id"] in entries},
            made[row["id"]],
        )
        for row in starter_rows()
    ]


def parts_of_row(row: dict[str, str], words: dict[str, dict[str, str]]) -> set[str]:
    """Every cell of a row and of its texts, and the entries of cells that hold lists."""
    cells = {*row.values(), *(cell for entry in words.values() for cell in entry.values())}
    return cells | {part.strip() for cell in cells for part in cell.split(";")}


def invented(
    shown: Card, row: dict[str, str], words: dict[str, dict[str, str]], language: str
) -> list[str]:
    """What a card says that the row does not."""
    known = parts_of_row(row, words)
    texts = CATALOGUES[language]
    own_words = {
        texts.gettext("offered") if row["childcare"] == "yes" else "",
        ", ".join(row["levels"].split(";")),
    }
    said = [shown.title, shown.source_url]
    said += [value for value in shown.subtitle.split(" · ") if value]
    for line in shown.lines:
        if line.kind == "note":
            continue
        if line.label == texts.gettext("Place"):
            said += [
                part
                for part in (row["address"], row["postal_code"], row["city"], row["district"])
                if part and part not in line.value
            ]
            rest = line.value
            for part in (row["address"], row["postal_code"], row["city"], row["district"]):
                rest = rest.replace(part, "", 1) if part else rest
            said += re.findall(r"\w+", rest)
        elif line.label == texts.gettext("Languages"):
            names = Locale.parse(language).languages
            for code in row["languages_offered"].split(";"):
                assert names[code] in plain(line.value)
        elif line.kind == "url":
            said.append(line.value if line.value in known else line.value.removeprefix("https://"))
        elif line.value not in own_words:
            said.append(line.value)
    bodies = [entry["description"] for entry in words.values()] + [row["description_facts"]]
    body = shown.body.removesuffix(" …")
    assert any(" ".join(text.split()).startswith(" ".join(body.split())) for text in bodies)
    return [value for value in said if value not in known]


@pytest.mark.parametrize("language", REPLY_LANGUAGES)
@pytest.mark.parametrize("short", [True, False])
def test_every_value_on_a_card_stands_in_its_row(
    rows: list[tuple[dict[str, str], dict[str, dict[str, str]], Measure]],
    language: str,
    short: bool,
) -> None:
    for row, words, made in rows:
        shown = card(made, CATALOGUES[language], today=TODAY, short=short)
        assert invented(shown, row, words, language) == [], row["id"]
        assert shown.title
        assert all(line.value for line in shown.lines)


@pytest.mark.parametrize("language", REPLY_LANGUAGES)
def test_source_and_date_always_show(
    rows: list[tuple[dict[str, str], dict[str, dict[str, str]], Measure]], language: str
) -> None:
    for row, _, made in rows:
        shown = card(made, CATALOGUES[language], today=TODAY, short=True)
        assert shown.source_url == row["source_url"]
        assert row["source_title"] in shown.source_label
        date_known = row["checked_on"] or row["page_date_if_known"]
        year = date_known[:4]
        assert year in western(shown.source_label) or not date_known, row["id"]


@pytest.mark.parametrize("language", TEXT_LANGUAGES)
def test_published_offers_speak_the_readers_language(
    rows: list[tuple[dict[str, str], dict[str, dict[str, str]], Measure]], language: str
) -> None:
    for row, words, made in rows:
        if row["confidence"] == "low":
            continue
        shown = card(made, CATALOGUES[language], today=TODAY, short=False)
        assert shown.title == words[language]["title"], row["id"]
        assert shown.body == words[language]["description"], row["id"]


# What is left out and what shows


def test_what_a_row_does_not_know_is_left_out() -> None:
    shown = card(measure(), ENGLISH, today=TODAY, short=False)
    assert facts(shown) == {}
    assert (shown.title, shown.subtitle, shown.body) == ("Course", "", "")


KNOWS_ALL: dict[str, Any] = {
    "texts": {
        "en": {
            "title": "Course",
            "description": "A course.",
            "target_group": "mothers",
            "cost": "10 EUR",
            "eligibility": "a permit",
            "opening_hours": "Mon 9-12",
            "registration": "by phone",
        },
        "de": {"title": "Kurs"},
    },
    "provider": "School",
    "levels": ["A1", "A2"],
    "languages": ["tr", "uk"],
    "childcare": True,
    "address": "Weg 1",
    "postal_code": "70173",
    "city": "Stuttgart",
    "district": "Mitte",
    "phone": "0711 1",
    "email": "a@example.org",
    "website": "example.org; other.example.org",
    "source_date": "2026-11-01",
}


def test_a_short_card_shows_the_main_facts() -> None:
    shown = card(measure(**KNOWS_ALL), ENGLISH, today=TODAY, short=True)
    assert facts(shown) == {
        "German level": "A1, A2",
        "Cost": "10 EUR",
        "Childcare": "offered",
        "Place": "Weg 1, 70173 Stuttgart (Mitte)",
        "Phone": "0711 1",
        "E-mail": "a@example.org",
        "Website": "https://example.org",
    }
    assert (shown.subtitle, shown.body) == ("Kurs · School", "A course.")


def test_a_long_card_shows_all_facts() -> None:
    shown = card(measure(**KNOWS_ALL), ENGLISH, today=TODAY, short=False)
    assert facts(shown) == {
        "For whom": "mothers",
        "Conditions": "a permit",
        "Languages": "Turkish and Ukrainian",
        "German level": "A1, A2",
        "Cost": "10 EUR",
        "Childcare": "offered",
        "Place": "Weg 1, 70173 Stuttgart (Mitte)",
        "Phone": "0711 1",
        "E-mail": "a@example.org",
        "Website": "https://example.org",
        "Opening hours": "Mon 9-12",
        "How to register": "by phone",
    }


def test_several_telephone_numbers_are_several_lines() -> None:
    shown = card(measure(phone="0711 1; 0711 2;"), ENGLISH, today=TODAY, short=True)
    assert [(line.kind, line.value) for line in shown.lines if line.kind == "phone"] == [
        ("phone", "0711 1"),
        ("phone", "0711 2"),
    ]


@pytest.mark.parametrize("childcare", [None, False])
def test_childcare_shows_only_where_it_is_offered(childcare: bool | None) -> None:
    assert facts(card(measure(childcare=childcare), ENGLISH, today=TODAY, short=False)) == {}


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ({"city": "Stuttgart", "postal_code": "70173"}, None),
        ({"district": "Feuerbach"}, "(Feuerbach)"),
        ({"address": "Weg 1"}, "Weg 1"),
        ({"address": "Weg 1", "district": "Mitte"}, "Weg 1 (Mitte)"),
        ({"district": "Mitte", "city": "Stuttgart"}, "Stuttgart (Mitte)"),
        ({"address": "Weg 1", "city": "Stuttgart"}, "Weg 1, Stuttgart"),
    ],
)
def test_a_place_is_shown_where_one_can_go_there(place: dict[str, str], shown: str | None) -> None:
    found = facts(card(measure(**place), ENGLISH, today=TODAY, short=True)).get("Place")
    assert found == shown


@pytest.mark.parametrize(
    ("language", "title", "subtitle"),
    [
        ("en", "Course", "Kurs · School"),
        ("de", "Kurs", "School"),
        ("tr", "Kurs programı", "School"),
        ("uk", "Course", "Kurs · School"),
    ],
)
def test_the_german_name_stands_below_a_title_without_it(
    language: str, title: str, subtitle: str
) -> None:
    row = measure(
        {"en": {"title": "Course"}, "de": {"title": "Kurs"}, "tr": {"title": "Kurs programı"}},
        provider="School",
    )
    shown = card(row, CATALOGUES[language], today=TODAY, short=True)
    assert (shown.title, shown.subtitle) == (title, subtitle)


def test_words_missing_in_the_readers_language_are_taken_from_the_rows_own() -> None:
    row = measure(
        {
            "de": {"title": "Kurs", "cost": "10 Euro", "description": "Ein Kurs."},
            "en": {"title": "Course", "description": "A course."},
            "tr": {"title": "Kurs"},
        }
    )
    shown = card(row, CATALOGUES["tr"], today=TODAY, short=True)
    assert (shown.title, shown.body) == ("Kurs", "A course.")
    assert [line.value for line in shown.lines if line.kind == "text"] == ["10 Euro"]


@pytest.mark.parametrize(
    ("texts", "title", "note"),
    [
        ({"tr": {"title": "Kurs"}}, "Kurs", ""),
        (
            {"de": {"title": "Deutschkurs"}},
            "Deutschkurs",
            "Bu metin henüz çevrilmedi. Metnin dili: Almanca.",
        ),
        (
            {"tr": {"title": "Kurs"}, "de": {"title": "Deutschkurs", "cost": "10 Euro"}},
            "Kurs",
            "Buradaki her şey henüz çevrilmedi. Diğer diller: Almanca.",
        ),
        # What is known in the reader's language needs no other.
        ({"tr": {"title": "Kurs", "cost": "10 Euro"}, "de": {"title": "Deutschkurs"}}, "Kurs", ""),
        (
            {"fr": {"title": "Cours"}},
            "Cours",
            "Bu metin henüz çevrilmedi. Metnin dili: Fransızca.",
        ),
    ],
)
def test_words_in_another_language_are_said_to_be(
    texts: dict[str, dict[str, str]], title: str, note: str
) -> None:
    row = measure(texts, assured_date=TODAY)
    for short in (True, False):
        shown = card(row, CATALOGUES["tr"], today=TODAY, short=short)
        assert shown.title == title
        assert notes(shown) == ([note] if note else [])


def test_of_other_languages_the_original_goes_before_translations() -> None:
    row = measure({"es": {"title": "Curso"}, "fr": {"title": "Cours"}}, assured_date=TODAY)
    row.texts[0].state = "draft"
    shown = card(row, ENGLISH, today=TODAY, short=True)
    assert shown.title == "Cours"
    assert notes(shown) == ["This text is not translated yet. Its language: French."]


# Source and date


@pytest.mark.parametrize(
    ("dates", "label"),
    [
        ({"source_date": "2025"}, "Source: The page (2025)"),
        ({"source_date": "2026-02"}, "Source: The page (February 2026)"),
        ({"source_date": "2026-02-09"}, "Source: The page (Feb 9, 2026)"),
        ({"source_date": "2022 to 2024"}, "Source: The page (2022 to 2024)"),
        ({"source_date": "2026-13"}, "Source: The page (2026-13)"),
        ({"source_date": ""}, "Source: The page (page without a date)"),
        (
            {"source_date": "2020", "assured_date": date(2026, 2, 9)},
            "Source: The page (Feb 9, 2026)",
        ),
    ],
)
def test_a_date_is_shown_as_exactly_as_it_is_known(dates: dict[str, Any], label: str) -> None:
    assert card(measure(**dates), ENGLISH, today=TODAY, short=True).source_label == label


@pytest.mark.parametrize(
    ("language", "written"),
    [("de", "09.02.2026"), ("en", "Feb 9, 2026"), ("tr", "9 Şub 2026"), ("uk", "9 лют. 2026")],
)
def test_dates_are_written_as_the_reader_writes_them(language: str, written: str) -> None:
    row = measure(assured_date=date(2026, 2, 9))
    assert written in card(row, CATALOGUES[language], today=TODAY, short=True).source_label


def test_values_in_a_right_to_left_sentence_keep_their_own_direction() -> None:
    row = measure(assured_date=date(2026, 2, 9))
    label = card(row, CATALOGUES["ar"], today=TODAY, short=True).source_label
    assert f"{FIRST_STRONG_ISOLATE}The page{POP_ISOLATE}" in label
    assert label.count(FIRST_STRONG_ISOLATE) == label.count(POP_ISOLATE) == 2


@pytest.mark.parametrize("language", ["de", "en", "tr", "uk"])
def test_left_to_right_texts_need_no_isolates(language: str) -> None:
    row = measure(assured_date=date(2026, 2, 9))
    label = card(row, CATALOGUES[language], today=TODAY, short=True).source_label
    assert label == plain(label)


# Staleness


@pytest.mark.parametrize(
    ("source_date", "assured_date", "fresh_until"),
    [
        ("2026-02-09", None, date(2026, 2, 9) + STALE_AFTER),
        ("2026-02", None, date(2026, 2, 28) + STALE_AFTER),
        ("2025-12", None, date(2025, 12, 31) + STALE_AFTER),
        ("2025", None, date(2025, 12, 31) + STALE_AFTER),
        ("2019", date(2026, 6, 1), date(2026, 6, 1) + STALE_AFTER),
    ],
)
def test_an_offer_grows_stale_the_day_after(
    source_date: str, assured_date: date | None, fresh_until: date
) -> None:
    row = measure(source_date=source_date, assured_date=assured_date)
    assert not is_stale(row, fresh_until)
    assert is_stale(row, fresh_until + timedelta(days=1))


@pytest.mark.parametrize(
    "source_date", ["", "spring", "2026-02 to 2026-05", "2026-99", "2026-00", "2026-02-30"]
)
def test_an_offer_whose_age_is_unknown_counts_as_stale(source_date: str) -> None:
    assert is_stale(measure(source_date=source_date), TODAY)


@pytest.mark.parametrize(
    ("harmful", "note"),
    [
        (True, "This can have changed. Please ask there before you rely on it."),
        (False, "Not checked for a while. Please ask there first."),
    ],
)
@pytest.mark.parametrize("short", [True, False])
def test_a_stale_offer_carries_a_note(harmful: bool, note: str, short: bool) -> None:
    row = measure(source_date="2020", harm_if_stale=harmful)
    assert notes(card(row, ENGLISH, today=TODAY, short=short)) == [note]
    fresh = measure(source_date="2026-11-01", harm_if_stale=harmful)
    assert notes(card(fresh, ENGLISH, today=TODAY, short=short)) == []


# Shortening


@given(st.lists(st.text("abc .!?;؟", min_size=1, max_size=120), max_size=8))
def test_a_short_body_is_the_beginning_of_the_text(parts: list[str]) -> None:
    text = " ".join(" ".join(parts).split())
    row = measure({"en": {"title": "Course", "description": text}})
    body = card(row, ENGLISH, today=TODAY, short=True).body
    assert text.startswith(body.removesuffix(" …"))
    assert len(body) <= SHORT_BODY + len(" …")
    assert card(row, ENGLISH, today=TODAY, short=False).body == text


def test_a_short_body_ends_with_a_whole_sentence() -> None:
    first, second = "a" * 100 + ".", "b" * 100 + "."
    row = measure({"en": {"title": "Course", "description": f"{first} {second} {first}"}})
    assert card(row, ENGLISH, today=TODAY, short=True).body == f"{first} {second}"


@pytest.mark.parametrize("semicolon", [";", "؛"])
def test_a_short_body_that_ends_at_a_semicolon_goes_on(semicolon: str) -> None:
    first, second = "a" * 100, "b" * 200
    row = measure({"en": {"title": "Course", "description": f"{first}{semicolon} {second}."}})
    assert card(row, ENGLISH, today=TODAY, short=True).body == f"{first} …"
