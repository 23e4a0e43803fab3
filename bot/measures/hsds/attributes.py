"""What HSDS attributes say of a measure in our own terms, and the terms of others."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, Protocol
from zoneinfo import available_timezones

from bot.measures import taxonomies
from bot.measures.fields import COLUMNS, TEXT_FIELDS, Fields, Json
from bot.measures.hsds import derive
from bot.measures.hsds.values import ProblemError
from bot.measures.importers.records import uuid_of
from bot.measures.models import Kind, TextState
from bot.measures.taxonomies import BY_ID, BY_TERM_ID, FACTS, LISTS, OPEN_ELIGIBILITY_TOPICS, TOPICS

# The code of the term under which a schedule carries what HSDS has no field for.
SCHEDULE_FACTS = "schedule"
CHOICES = {
    "kind": frozenset(Kind),
    "confidence": frozenset({"high", "medium", "low"}),
    "age_of": frozenset({"", "child", "person"}),
}


class Terms(Protocol):
    """Takes a taxonomy term that a document brings along and returns its id."""

    def term(self, document: Json, where: str) -> str:
        """See the class."""


class Attributes:
    """Collects the attributes of one service."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.topics: list[str] = []
        self.found = False
        self._lists: dict[str, list[str]] = {}
        self._facts: dict[str, str] = {}
        self._translations: list[str] = []
        self._foreign: list[Json] = []

    def read(self, attribute: dict[str, Any], terms: Terms, owner: str, where: str) -> None:
        """Takes one attribute, whose term stands in it or is named by its id.

        Raises ``ProblemError`` for a term that one of our taxonomies does not have.
        """
        self.found = True
        term = attribute.get("taxonomy_term")
        term = term if isinstance(term, dict) else {}
        key = str(term.get("id") or attribute.get("taxonomy_term_id") or "")
        vocabulary, code = BY_TERM_ID.get(key, (None, ""))
        if vocabulary is None:
            detail = term.get("taxonomy_detail")
            taxonomy = detail.get("id") if isinstance(detail, dict) else None
            vocabulary, code = BY_ID.get(str(taxonomy)), str(term.get("code") or "")
        if vocabulary is FACTS:
            self._fact(code, str(attribute.get("value") or ""))
        elif vocabulary is not None and code:
            self._listed(vocabulary, code, where)
        else:
            self._foreign.append(_row(attribute, term, terms, owner, len(self._foreign), where))
            if topic := OPEN_ELIGIBILITY_TOPICS.get(str(term.get("name"))):
                self._topic(topic.value)

    def fields(self, where: str) -> Fields:
        """What was collected, as fields of a measure."""
        found: Fields = {**self._lists, "attributes": self._foreign}
        for code, value in self._facts.items():
            if code in COLUMNS and (fact := _value(code, value)) is not None:
                found[code] = fact
            elif code in TEXT_FIELDS:
                found[f"text.{self.language}.{code}"] = value
        for name in self._facts.get("unknown", "").split(","):
            if name in COLUMNS:
                found[name] = [] if name in _LISTED else None
        if (state := self._facts.get("text_state", "")) in frozenset(TextState):
            found[f"text.{self.language}.state"] = state
        for translation in self._translations:
            found.update(_translated(translation))
        return found

    def _fact(self, code: str, value: str) -> None:
        if code == "text_language" and 2 <= len(value) <= 8:
            self.language = value
        elif code == "translation":
            self._translations.append(value)
        else:
            self._facts[code] = value

    def _listed(self, vocabulary: taxonomies.Vocabulary, code: str, where: str) -> None:
        if code not in vocabulary.terms:
            legal = ", ".join(sorted(vocabulary.terms))
            raise ProblemError(f"{where}, {vocabulary.field}: {code[:40]!r} is not one of {legal}")
        if vocabulary is TOPICS:
            self._topic(code)
            return
        values = self._lists.setdefault(vocabulary.field, [])
        if code not in values:
            values.append(code)

    def _topic(self, topic: str) -> None:
        if topic not in self.topics:
            self.topics.append(topic)


def schedule_facts(schedule: dict[str, Any], extra: dict[str, Any]) -> dict[str, Json]:
    """What HSDS has no field for in a schedule; our attribute for it is taken out of ``extra``."""
    facts: dict[str, Json] = {}
    if zone := derive.zone(schedule.get("timezone")):
        facts["zone"] = zone
    attributes = extra.get("attributes")
    if not isinstance(attributes, list):
        return facts
    key = FACTS.term_id(SCHEDULE_FACTS)
    own = [entry for entry in attributes if _term_id(entry) == key]
    extra["attributes"] = [entry for entry in attributes if _term_id(entry) != key]
    if not extra["attributes"]:
        del extra["attributes"]
    for entry in own:
        facts.update(_schedule_facts(str(entry.get("value"))))
    return facts


def _term_id(attribute: Json) -> Json:
    term = attribute.get("taxonomy_term") if isinstance(attribute, dict) else None
    return term.get("id") if isinstance(term, dict) else None


def _schedule_facts(written: str) -> dict[str, Json]:
    try:
        told = json.loads(written)
    except (ValueError, RecursionError):
        return {}
    told = told if isinstance(told, dict) else {}
    facts: dict[str, Json] = {
        name: told[name]
        for name in ("in_school_holidays", "on_public_holidays")
        if isinstance(told.get(name), bool)
    }
    days = told.get("except_dates")
    if isinstance(days, list) and all(isinstance(day, str) and _is_day(day) for day in days):
        facts["except_dates"] = days
    if isinstance(zone := told.get("zone"), str) and zone in available_timezones():
        facts["zone"] = zone
    return facts


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


_LISTED = {vocabulary.field for vocabulary in LISTS}


def _row(
    attribute: dict[str, Any],
    term: dict[str, Any],
    terms: Terms,
    owner: str,
    number: int,
    where: str,
) -> Json:
    row: dict[str, Json] = {}
    given = attribute.get("id")
    row["hsds_id"] = uuid_of("attribute", str(given or f"{owner}/{number}"))
    known = {"id", "taxonomy_term", "taxonomy_term_id"}
    extra = {name: value for name, value in attribute.items() if name not in known}
    for name in ("link_type", "link_entity", "value"):
        if isinstance(extra.get(name), str) and extra[name]:
            row[name] = extra.pop(name)
    if term:
        row["taxonomy_term_id"] = terms.term(term, f"{where}, taxonomy_term")
    elif attribute.get("taxonomy_term_id"):
        # A term known by its id alone, which may never come.
        extra["taxonomy_term_id"] = attribute["taxonomy_term_id"]
    if extra:
        row["extra"] = extra
    return row


def _value(code: str, written: str) -> Json | None:
    """A fact's value in the form of its column; None when it does not fit."""
    column = COLUMNS[code]
    if column.type.python_type is bool:
        return {"true": True, "false": False}.get(written)
    if code in CHOICES and written not in CHOICES[code]:
        return None
    length = getattr(column.type, "length", None)
    return written if length is None or len(written) <= length else None


def _translated(written: str) -> Fields:
    try:
        text = json.loads(written)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(text, dict) or not isinstance(language := text.get("language"), str):
        return {}
    if not 2 <= len(language) <= 8 or "." in language:
        return {}
    state = text.get("state")
    found = {f"text.{language}.state": state if state in frozenset(TextState) else "draft"}
    for name in TEXT_FIELDS:
        value = text.get(name, "")
        found[f"text.{language}.{name}"] = value if isinstance(value, str) else ""
    return found if found[f"text.{language}.title"] else {}
