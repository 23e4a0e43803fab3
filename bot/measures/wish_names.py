"""What a person looks for, in the words of the answer and of the buttons that take it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.i18n.texts import Texts
from bot.measures.search import WEEK


def wish_names(wishes: dict[str, Any], texts: Texts) -> dict[str, str]:
    """What a person looks for, in words: name of the wish → phrase."""
    names: dict[str, str] = {}
    if level := wishes.get("german_level"):
        names["german_level"] = texts.gettext("level {level}", level=level)
    if district := wishes.get("district"):
        names["district"] = str(district)
    if near := wishes.get("near"):
        names["near"] = texts.ngettext(
            "at most {number} km from you",
            "at most {number} km from you",
            round(near["kilometres"]),
        )
    if wishes.get("child_age_months") is not None:
        names["child_age_months"] = _age(int(wishes["child_age_months"]), texts)
    if times := wishes.get("time_of_day"):
        names["time_of_day"] = texts.enumeration([_daytime(time, texts) for time in times])
    if days := wishes.get("weekday"):
        names["weekday"] = _weekdays(days, texts)
    if wishes.get("open_now"):
        names["open_now"] = texts.gettext("open now")
    if shape := wishes.get("format"):
        names["format"] = texts.gettext("online") if shape == "online" else texts.gettext("on site")
    if language := wishes.get("language"):
        names["language"] = texts.language_name(str(language))
    if audience := wishes.get("audience"):
        names["audience"] = _audience(str(audience), texts)
    if wishes.get("childcare"):
        names["childcare"] = texts.gettext("with childcare")
    if wishes.get("free_of_charge"):
        names["free_of_charge"] = texts.gettext("free of charge")
    return names


def _age(months: int, texts: Texts) -> str:
    if months < 24:
        return texts.ngettext("child of {number} month", "child of {number} months", months)
    return texts.ngettext("child of {number} year", "child of {number} years", months // 12)


def _daytime(time: str, texts: Texts) -> str:
    return {
        "morning": texts.gettext("in the morning"),
        "afternoon": texts.gettext("in the afternoon"),
        "evening": texts.gettext("in the evening"),
        "weekend": texts.gettext("at the weekend"),
    }[time]


def _weekdays(days: Sequence[str], texts: Texts) -> str:
    if tuple(days) == WEEK[:5]:
        return texts.gettext("on weekdays")
    names = {
        "mo": texts.gettext("on Mondays"),
        "tu": texts.gettext("on Tuesdays"),
        "we": texts.gettext("on Wednesdays"),
        "th": texts.gettext("on Thursdays"),
        "fr": texts.gettext("on Fridays"),
        "sa": texts.gettext("on Saturdays"),
        "su": texts.gettext("on Sundays"),
    }
    return texts.alternatives([names[day] for day in days])


def _audience(audience: str, texts: Texts) -> str:
    names = {
        "women": texts.gettext("for women"),
        "men": texts.gettext("for men"),
        "mothers": texts.gettext("for mothers"),
        "parents": texts.gettext("for parents"),
        "families": texts.gettext("for families"),
        "children": texts.gettext("for children"),
        "youth": texts.gettext("for young people"),
        "adults": texts.gettext("for adults"),
        "seniors": texts.gettext("for older people"),
        "refugees": texts.gettext("for refugees"),
        "workers": texts.gettext("for workers"),
        "skilled_workers": texts.gettext("for skilled workers"),
        "students": texts.gettext("for students"),
        "jobseekers": texts.gettext("for people looking for work"),
        "self_employed": texts.gettext("for self-employed people"),
        "people_with_disabilities": texts.gettext("for people with disabilities"),
        "lgbtq": texts.gettext("for queer people"),
        "ukrainians": texts.gettext("for people from Ukraine"),
    }
    return names.get(audience, audience)
