"""What the editors' pages call statuses, kinds, states, texts, languages and measures."""

from __future__ import annotations

from fastapi import Request

from bot.console.pages import texts_of
from bot.i18n.languages import REPLY_LANGUAGES
from bot.i18n.texts import source_text
from bot.measures.models import Kind, Measure, Status, TextState

STATUS_NAMES = {
    Status.DRAFT: source_text("Draft"),
    Status.PUBLISHED: source_text("Published"),
    Status.ARCHIVED: source_text("Archived"),
}
KIND_NAMES = {Kind.OFFER: source_text("Offer"), Kind.GUIDE: source_text("Guide")}
STATE_NAMES = {
    TextState.ORIGINAL: source_text("Original"),
    TextState.REVIEWED: source_text("Reviewed"),
    TextState.DRAFT: source_text("Not reviewed"),
    TextState.OUTDATED: source_text("Out of date: the original changed"),
}
LABELS = {
    "title": source_text("Title"),
    "description": source_text("Description"),
    "target_group": source_text("For whom"),
    "cost": source_text("Cost"),
    "eligibility": source_text("Conditions"),
    "opening_hours": source_text("Opening hours"),
    "registration": source_text("How to register"),
}


def title_of(measure: Measure) -> str:
    """A measure's title for editors, in German where there is one; else its id."""
    text = measure.text("de") or measure.text("en") or next(iter(measure.texts), None)
    return text.title if text else measure.external_id


def language_names(request: Request) -> dict[str, str]:
    """The reply languages by code, named in the page's language."""
    texts = texts_of(request)
    return {code: texts.language_name(code) for code in REPLY_LANGUAGES}
