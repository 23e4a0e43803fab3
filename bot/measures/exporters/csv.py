"""Exports ``measures.csv`` and ``measure_texts/<language>.csv``, which the importer reads."""

from __future__ import annotations

import csv
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.measures import fields as measure_fields
from bot.measures import shared_rows
from bot.measures.exporters.select import portions
from bot.measures.fields import TEXT_FIELDS, Fields
from bot.measures.hsds.render import main_language
from bot.measures.importers.csv import PLAIN
from bot.measures.importers.tables import safe
from bot.measures.models import Measure

LISTS = ("topics", "levels", "audience", "formats", "times")
COLUMNS = (
    *("id", "kind", "topics", "title_de", "title_en", "provider", "description_facts"),
    *("target_group", "languages_offered", "levels", "cost", "eligibility"),
    *("address", "district", "postal_code", "city", "phone", "email", "website"),
    *("opening_hours", "registration", "scope", "source_url", "source_title"),
    *("page_date_if_known", "confidence", "note", "childcare", "audience", "formats", "times"),
    *("minimum_age", "maximum_age", "age_of", "free_of_charge", "checked_on", "harm_if_stale"),
)
TRUTH = {True: "yes", False: "no", None: ""}


def write(session: Session, path: Path, *, drafts: bool = False) -> int:
    """Writes the file and its texts beside it; returns how many measures.

    Rows are read again as they are, except for what the file has no column for: places
    beyond the first, schedules, several prices.
    """
    texts: dict[str, list[dict[str, str]]] = {}
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for ids in portions(session, drafts=drafts):
            found = measure_fields.read(session, ids)
            names = _external_ids(session, ids)
            providers = shared_rows.read(
                session,
                shared_rows.ORGANIZATIONS,
                [each["organization"] for each in found.values() if each["organization"]],
            )
            for key in ids:
                provider = providers.get(found[key]["organization"] or "", {}).get("name", "")
                row = _row(names[key], found[key], provider)
                writer.writerow({name: safe(value) for name, value in row.items()})
                _collect_texts(names[key], found[key], texts)
                count += 1
    directory = path.parent / "measure_texts"
    directory.mkdir(exist_ok=True)
    for language, rows in sorted(texts.items()):
        with (directory / f"{language}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ("id", *TEXT_FIELDS, "state"))
            writer.writeheader()
            writer.writerows({name: safe(value) for name, value in text.items()} for text in rows)
    return count


def _external_ids(session: Session, ids: list[str]) -> dict[str, str]:
    rows = session.execute(select(Measure.id, Measure.external_id).where(Measure.id.in_(ids)))
    return {row.id: row.external_id for row in rows}


def _row(external_id: str, fields: Fields, provider: str) -> dict[str, str]:
    main = main_language(fields)

    def words(name: str, *languages: str) -> str:
        found = (fields.get(f"text.{language}.{name}") for language in (*languages, main))
        return next((text for text in found if text), "")

    return {
        "id": external_id,
        "kind": fields["kind"],
        **{name: ";".join(fields[name]) for name in LISTS},
        "title_de": words("title", "de"),
        "title_en": words("title", "en"),
        "provider": provider,
        "description_facts": words("description", "en") or words("title", "en"),
        **{
            name: words(name, "en")
            for name in ("target_group", "cost", "eligibility", "opening_hours", "registration")
        },
        "languages_offered": ";".join(fields["languages"]),
        **{name: fields[name] for name in PLAIN},
        "page_date_if_known": fields["source_date"],
        "checked_on": fields["assured_date"] or "",
        **{name: TRUTH[fields[name]] for name in ("childcare", "free_of_charge")},
        "harm_if_stale": "yes" if fields["harm_if_stale"] else "",
        **{
            name: "" if fields[name] is None else str(fields[name])
            for name in ("minimum_age", "maximum_age")
        },
    }


def _collect_texts(
    external_id: str, fields: Fields, texts: dict[str, list[dict[str, str]]]
) -> None:
    languages = {name.split(".")[1] for name in fields if name.startswith("text.")}
    for language in sorted(languages):
        row = {"id": external_id}
        for name in (*TEXT_FIELDS, "state"):
            row[name] = fields.get(f"text.{language}.{name}", "")
        texts.setdefault(language, []).append(row)
