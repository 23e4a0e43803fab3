"""What the editors' forms say, checked field by field."""

from __future__ import annotations

import re
from datetime import date
from urllib.parse import urlsplit

from pydantic import BaseModel

from bot.i18n.texts import source_text
from bot.measures.fields import COLUMNS, TEXT_FIELDS, Fields, Json
from bot.measures.importers import readings
from bot.measures.models import Kind, TextState
from bot.measures.taxonomies import AUDIENCE, FORMATS, LEVELS, SDGS, TIMES, TOPICS

LISTS = {
    "topics": TOPICS,
    "levels": LEVELS,
    "audience": AUDIENCE,
    "formats": FORMATS,
    "times": TIMES,
    "sdgs": SDGS,
}
LINES = (
    *("phone", "email", "website"),
    *("source_url", "source_title", "source_date", "note"),
)
MAXIMUM_LINE, MAXIMUM_TEXT = 2_000, 20_000

# The words of our terms for editors; levels are the same in every language.
TERM_NAMES = {
    "language_course": source_text("German courses"),
    "job": source_text("Work and training"),
    "recognition": source_text("Recognition of qualifications"),
    "childcare": source_text("Childcare"),
    "housing": source_text("Housing"),
    "education": source_text("School and study"),
    "health": source_text("Health"),
    "residence": source_text("Residence papers"),
    "benefits": source_text("Money and benefits"),
    "counselling": source_text("Advice"),
    "community": source_text("Meeting people"),
    "emergency": source_text("Emergency"),
    "women": source_text("Women"),
    "men": source_text("Men"),
    "mothers": source_text("Mothers"),
    "parents": source_text("Parents"),
    "families": source_text("Families"),
    "children": source_text("Children"),
    "youth": source_text("Young people"),
    "adults": source_text("Adults"),
    "seniors": source_text("Older people"),
    "refugees": source_text("Refugees"),
    "workers": source_text("Workers"),
    "skilled_workers": source_text("Skilled workers"),
    "students": source_text("Students"),
    "jobseekers": source_text("People looking for work"),
    "self_employed": source_text("Self-employed people"),
    "people_with_disabilities": source_text("People with disabilities"),
    "lgbtq": source_text("Queer people"),
    "ukrainians": source_text("People from Ukraine"),
    "everyone": source_text("Everybody"),
    "in_person": source_text("On site"),
    "online": source_text("Online"),
    "phone": source_text("By telephone"),
    "morning": source_text("Morning"),
    "afternoon": source_text("Afternoon"),
    "evening": source_text("Evening"),
    "weekend": source_text("Weekend"),
    "1": source_text("1 No poverty"),
    "4": source_text("4 Quality education"),
    "8": source_text("8 Decent work and economic growth"),
    "9": source_text("9 Industry, innovation and infrastructure"),
    "10": source_text("10 Reduced inequalities"),
    "11": source_text("11 Sustainable cities and communities"),
    **{level: level for level in LEVELS.terms},
}

TOO_LONG = source_text("This is too long.")
NOT_WEB = source_text("This is not a web address: it begins with https://.")
NOT_MAIL = source_text("This is not an e-mail address.")
NOT_AGE = source_text("This is not an age in whole years.")
AGES_SWAPPED = source_text("The oldest age is below the youngest.")
NOT_A_DAY = source_text("This is not a day.")
IN_FUTURE = source_text("This day is still to come.")
NOT_SOURCE_DATE = source_text("Write 2026, 2026-02 or 2026-02-09.")
NOT_LANGUAGES = source_text("Write codes of two letters, for example: de, en, uk.")
NEEDS_TOPIC = source_text("Choose at least one topic.")
NEEDS_SOURCE = source_text("Where do the facts come from? A web address is needed.")
NEEDS_TITLE = source_text("A title is needed.")


class FactsForm(BaseModel):
    """The form of the facts, as it was sent."""

    revision: int = 0
    kind: str = Kind.OFFER.value
    topics: list[str] = []
    levels: list[str] = []
    audience: list[str] = []
    formats: list[str] = []
    times: list[str] = []
    sdgs: list[str] = []
    languages: str = ""
    childcare: str = ""
    free_of_charge: str = ""
    minimum_age: str = ""
    maximum_age: str = ""
    age_of: str = ""
    phone: str = ""
    email: str = ""
    website: str = ""
    source_url: str = ""
    source_title: str = ""
    source_date: str = ""
    assured_date: str = ""
    harm_if_stale: bool = False
    note: str = ""
    documents: str = ""


class TextsForm(BaseModel):
    """The form of the texts in one language, as it was sent."""

    revision: int = 0
    title: str = ""
    description: str = ""
    target_group: str = ""
    cost: str = ""
    eligibility: str = ""
    opening_hours: str = ""
    registration: str = ""
    state: str = TextState.REVIEWED.value


def form_of(fields: Fields, revision: int) -> FactsForm:
    """The form as it shows a row."""
    truth = {True: "yes", False: "no", None: ""}
    return FactsForm(
        revision=revision,
        kind=fields["kind"],
        **{name: list(fields[name]) for name in LISTS},
        **{name: fields[name] for name in LINES},
        languages=", ".join(fields["languages"]),
        childcare=truth[fields["childcare"]],
        free_of_charge=truth[fields["free_of_charge"]],
        minimum_age=_age_text(fields["minimum_age"]),
        maximum_age=_age_text(fields["maximum_age"]),
        age_of=fields["age_of"],
        assured_date=fields["assured_date"] or "",
        harm_if_stale=fields["harm_if_stale"],
        documents="\n".join(row.get("document", "") for row in fields["required_documents"]),
    )


def facts(
    form: FactsForm, old: Fields, measure_id: str, *, today: date
) -> tuple[Fields, dict[str, str]]:
    """The fields that a form asks for, and what is wrong with it, by the name of the field."""
    wrong: dict[str, str] = {}
    values: Fields = {"kind": form.kind if form.kind in frozenset(Kind) else old["kind"]}
    for name, vocabulary in LISTS.items():
        chosen = list(dict.fromkeys(getattr(form, name)))
        values[name] = [code for code in chosen if code in vocabulary.terms]
    for name in LINES:
        values[name] = " ".join(getattr(form, name).replace("\x00", " ").split())
        length = getattr(COLUMNS[name].type, "length", None) or MAXIMUM_LINE
        if len(values[name]) > length:
            wrong[name] = TOO_LONG
    for name in ("childcare", "free_of_charge"):
        values[name] = {"yes": True, "no": False}.get(getattr(form, name))
    values["age_of"] = form.age_of if form.age_of in ("child", "person") else ""
    values["harm_if_stale"] = form.harm_if_stale
    values["languages"] = _languages(form.languages, wrong)
    for name in ("minimum_age", "maximum_age"):
        values[name] = _age(getattr(form, name).strip(), name, wrong)
    if None not in (low := values["minimum_age"], high := values["maximum_age"]) and low > high:
        wrong["maximum_age"] = AGES_SWAPPED
    values["assured_date"] = _day(form.assured_date.strip(), today, wrong)
    _check_addresses(values, wrong)
    if not values["topics"]:
        wrong["topics"] = NEEDS_TOPIC
    values.update(_rows(form, old, values, measure_id))
    return values, wrong


def texts(form: TextsForm, language: str) -> tuple[Fields, dict[str, str]]:
    """The text fields that a form asks for, and what is wrong with it."""
    wrong: dict[str, str] = {}
    values: Fields = {}
    for name in TEXT_FIELDS:
        lines = getattr(form, name).replace("\x00", " ").replace("\r", "").strip()
        values[f"text.{language}.{name}"] = lines
        if len(lines) > MAXIMUM_TEXT:
            wrong[name] = TOO_LONG
    if not form.title.strip():
        wrong["title"] = NEEDS_TITLE
    state = form.state if form.state in frozenset(TextState) else TextState.DRAFT.value
    values[f"text.{language}.state"] = state
    return values, wrong


def _rows(form: FactsForm, old: Fields, values: Fields, measure_id: str) -> Fields:
    """The rows behind the lines that were changed."""
    rows: Fields = {}
    if values["phone"] != old["phone"]:
        stored = {row.get("number"): row for row in old["phones"]}
        # A number that stays keeps what a source says of it: its extension, its languages.
        rows["phones"] = [
            {**row, **stored.get(row["number"], {}), **_description(row)}
            for row in readings.phones(values["phone"], measure_id)
        ]
    if values["languages"] != old["languages"]:
        rows["offered_languages"] = [{"code": code} for code in values["languages"]]
    documents = [line.strip() for line in form.documents.splitlines() if line.strip()]
    if documents != [row.get("document", "") for row in old["required_documents"]]:
        known = {row.get("document"): row for row in old["required_documents"]}
        rows["required_documents"] = [
            known.get(line, {"document": line[:MAXIMUM_LINE]}) for line in documents
        ]
    return rows


def _description(row: Json) -> Fields:
    return {"description": row["description"]} if "description" in row else {}


def _languages(written: str, wrong: dict[str, str]) -> list[str]:
    codes = [part.lower() for part in re.split(r"[,;\s]+", written) if part]
    if any(not re.fullmatch(r"[a-z]{2}", code) for code in codes) or len(codes) > 60:
        wrong["languages"] = NOT_LANGUAGES
    return list(dict.fromkeys(codes))


def _age(written: str, name: str, wrong: dict[str, str]) -> int | None:
    if not written:
        return None
    if not (written.isascii() and written.isdecimal() and len(written) <= 3):
        wrong[name] = NOT_AGE
        return None
    return int(written)


def _age_text(value: int | None) -> str:
    return "" if value is None else str(value)


def _day(written: str, today: date, wrong: dict[str, str]) -> str | None:
    if not written:
        return None
    try:
        day = date.fromisoformat(written)
    except ValueError:
        wrong["assured_date"] = NOT_A_DAY
        return None
    if day > today:
        wrong["assured_date"] = IN_FUTURE
    return day.isoformat()


def _check_addresses(values: Fields, wrong: dict[str, str]) -> None:
    if not values["source_url"]:
        wrong["source_url"] = NEEDS_SOURCE
    elif not _is_web(values["source_url"]):
        wrong["source_url"] = NOT_WEB
    for part in filter(None, (part.strip() for part in values["email"].split(";"))):
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", part):
            wrong["email"] = NOT_MAIL
    if values["source_date"] and not re.fullmatch(
        r"\d{4}(-\d{2}(-\d{2})?)?", values["source_date"]
    ):
        wrong["source_date"] = NOT_SOURCE_DATE


def _is_web(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
