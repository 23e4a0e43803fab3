"""Days, times and ages as people write them, in all languages."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.booking.said import ChildAge, When, read_child_age, read_when

# A Monday.
TODAY = date(2026, 11, 23)
TUESDAY_AT_TEN = When(weekday=1, minute=600)


@pytest.mark.parametrize(
    "text",
    [
        "Dienstag um 10 Uhr",
        "Tuesday at 10",
        "salı günü saat 10",
        "الثلاثاء الساعة ١٠",
        "у вівторок о 10",
        "во вторник в 10:00",
        "سه‌شنبه ساعت ۱۰",
        "سه شنبه ساعت 10",
        "mardi à 10h",
        "el martes a las 10",
        "martedì alle 10",
        "u utorak u 10",
        "marți la ora 10",
        "we wtorek o 10",
        "την Τρίτη στις 10",
    ],
)
def test_a_day_and_an_hour_are_read_in_every_language(text: str) -> None:
    assert read_when(text, today=TODAY) == TUESDAY_AT_TEN


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("morgen um 9", When(day=date(2026, 11, 24), minute=540)),
        ("pasado mañana", When(day=date(2026, 11, 25))),
        ("por la mañana", When()),
        ("3.12. 14:30", When(day=date(2026, 12, 3), minute=870)),
        ("2 Dezember", When(day=date(2026, 12, 2))),
        ("5.1.", When(day=date(2027, 1, 5))),
        ("12/03/2026", When(day=date(2026, 3, 12))),
        ("at 3 pm", When(minute=900)),
        ("um 3", When(minute=900)),
        ("10:30", When(minute=630)),
        ("30.2.", When(impossible=True)),
        ("30 February", When(impossible=True)),
        ("31.04.2026", When(impossible=True)),
        ("99:99", When()),
        ("25 Uhr", When()),
        ("un appuntamento per la consulenza", When()),
        ("", When()),
        ("any day", When()),
    ],
)
def test_when(text: str, read: When) -> None:
    assert read_when(text, today=TODAY) == read


@pytest.mark.parametrize(
    ("text", "understood", "read"),
    [
        ("7 Monate", [7], ChildAge(months=7)),
        ("2 and 5 years", [24, 60], ChildAge(months=24)),
        ("12.03.2024", [], ChildAge(months=32)),
        ("23.11.2024", [], ChildAge(months=24)),
        ("24.11.2024", [], ChildAge(months=23)),
        ("2024-03-12", [], ChildAge(months=32)),
        ("березень 2024", [], ChildAge(months=32)),
        ("31.12.2026", [], ChildAge(months=0)),
        ("2", [], ChildAge(number=2)),
        ("٢", [], ChildAge(number=2)),
        ("-3", [], ChildAge(impossible=True)),
        ("-3 years", [36], ChildAge(impossible=True)),
        ("300 years", [], ChildAge(impossible=True)),
        ("30.02.2025", [], ChildAge(impossible=True)),
        ("no", [], None),
        ("3 children", [], None),
    ],
)
def test_the_age_of_a_child(text: str, understood: list[int], read: ChildAge | None) -> None:
    assert read_child_age(text, understood=understood, today=TODAY) == read


@pytest.mark.parametrize(
    "text",
    [
        "ich bin schwanger",
        "I'm pregnant",
        "hamileyim",
        "أنا حامل",
        "я вагітна",
        "я беременна",
        "من باردارم",
        "je suis enceinte",
        "estoy embarazada",
        "sono incinta",
        "trudna sam",
        "sunt însărcinată",
        "jestem w ciąży",
        "είμαι έγκυος",
    ],
)
def test_an_unborn_child_counts(text: str) -> None:
    assert read_child_age(text, understood=[], today=TODAY) == ChildAge(months=0)


@given(st.text(max_size=80))
def test_no_text_is_too_odd(text: str) -> None:
    when = read_when(text, today=TODAY)
    assert when.minute is None or 0 <= when.minute < 24 * 60
    assert not (when.impossible and when.day)
    read_child_age(text, understood=[], today=TODAY)
