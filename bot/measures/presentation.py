"""Offers as cards in the reader's language. What a row does not know is left out."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from bot.config import STALE_DAYS
from bot.i18n.texts import Texts
from bot.measures.models import Measure, TextState
from bot.messages import Card, CardLine

STALE_AFTER = timedelta(days=STALE_DAYS)
SHORT_BODY = 220
# Languages in which rows are mostly written, in order of preference.
SOURCE_LANGUAGES = ("en", "de")


def card(
    measure: Measure,
    texts: Texts,
    *,
    today: date,
    short: bool,
    stale_after: timedelta = STALE_AFTER,
) -> Card:
    """An offer's card: the main facts when ``short``, otherwise all that are known.

    Every value is taken from the row as it stands; source and date always show. Facts
    unchecked for longer than ``stale_after`` carry a warning.
    """
    words = _Words(measure, texts.language)
    title = words("title")
    description = words("description")
    facts = _lines(measure, words, texts, short=short)
    notes = [*_language_notes(words.languages, texts)]
    if is_stale(measure, today, after=stale_after):
        notes.append(_stale_note(measure, texts))
    return Card(
        title=title,
        subtitle=_subtitle(measure, title, texts.language),
        body=_shortened(description) if short else description,
        lines=(*facts, *(CardLine(label="", value=note, kind="note") for note in notes)),
        source_label=_source_label(measure, texts),
        source_url=measure.source_url,
    )


class _Words:
    """A row's words in the reader's language, else in the row's own languages.

    ``languages`` are those in which words were found, in the order of asking.
    """

    def __init__(self, measure: Measure, language: str) -> None:
        preferred = (language, *SOURCE_LANGUAGES)
        known = [text for code in preferred if (text := measure.text(code)) is not None]
        others = [text for text in measure.texts if text.language not in preferred]
        # An original says what the source says; a translation may be a draft.
        others.sort(key=lambda text: (text.state != TextState.ORIGINAL, text.language))
        self._available = (*known, *others)
        self.languages: list[str] = []

    def __call__(self, name: str) -> str:
        """The words under a name; empty where no language has any."""
        for text in self._available:
            if value := str(getattr(text, name)):
                if text.language not in self.languages:
                    self.languages.append(text.language)
                return value
        return ""


def _subtitle(measure: Measure, title: str, language: str) -> str:
    """The provider, and the German name that stands on the door."""
    german = measure.text("de")
    name = german.title if german and language != "de" and german.title not in title else ""
    provider = measure.organization.name if measure.organization else ""
    return " · ".join(part for part in (name, provider) if part)


def _lines(measure: Measure, words: _Words, texts: Texts, *, short: bool) -> list[CardLine]:
    facts = [
        (texts.gettext("German level"), ", ".join(measure.levels), "text"),
        (texts.gettext("Cost"), words("cost"), "text"),
        (texts.gettext("Childcare"), _childcare(measure, texts), "text"),
        (texts.gettext("Place"), _place(measure), "text"),
        *((texts.gettext("Phone"), number, "phone") for number in _numbers(measure.phone)),
        (texts.gettext("E-mail"), measure.email, "email"),
        (texts.gettext("Website"), _website(measure), "url"),
    ]
    if not short:
        facts[:0] = [
            (texts.gettext("For whom"), words("target_group"), "text"),
            (texts.gettext("Conditions"), words("eligibility"), "text"),
            (texts.gettext("Languages"), _languages(measure, texts), "text"),
        ]
        facts += [
            (texts.gettext("Opening hours"), words("opening_hours"), "text"),
            (texts.gettext("How to register"), words("registration"), "text"),
        ]
    return [CardLine(label=label, value=value, kind=kind) for label, value, kind in facts if value]


def _childcare(measure: Measure, texts: Texts) -> str:
    return texts.gettext("offered") if measure.childcare else ""


def _place(measure: Measure) -> str:
    town = " ".join(part for part in (measure.postal_code, measure.city) if part)
    district = f"({measure.district})" if measure.district else ""
    # A city alone is no place to go to.
    if not measure.address and not measure.district:
        return ""
    address = f"{measure.address}," if measure.address and town else measure.address
    return " ".join(part for part in (address, town, district) if part)


def _numbers(phone: str) -> list[str]:
    """The telephone numbers of a row, which stand between semicolons."""
    return [number.strip() for number in phone.split(";") if number.strip()]


def _website(measure: Measure) -> str:
    link = measure.website.split(";")[0].strip()
    if link == measure.source_url:
        # The line with the source leads there already.
        return ""
    return link if not link or re.match(r"https?://", link) else f"https://{link}"


def _languages(measure: Measure, texts: Texts) -> str:
    return texts.enumeration([texts.language_name(code) for code in measure.languages])


def _source_label(measure: Measure, texts: Texts) -> str:
    if measure.assured_date:
        day = texts.date(measure.assured_date)
        return texts.gettext("Source: {title} ({date})", title=measure.source_title, date=day)
    if measure.source_date:
        day = texts.partial_date(measure.source_date)
        return texts.gettext("Source: {title} ({date})", title=measure.source_title, date=day)
    return texts.gettext("Source: {title} (page without a date)", title=measure.source_title)


def _language_notes(languages: Sequence[str], texts: Texts) -> Iterator[str]:
    """Says so where words are in another language than the reader's."""
    foreign = [code for code in languages if code != texts.language]
    if not foreign:
        return
    names = texts.enumeration([texts.language_name(code) for code in foreign])
    if texts.language in languages:
        yield texts.gettext(
            "Not everything here is translated yet. Other languages: {languages}.", languages=names
        )
    else:
        yield texts.gettext(
            "This text is not translated yet. Its language: {languages}.", languages=names
        )


def _stale_note(measure: Measure, texts: Texts) -> str:
    if measure.harm_if_stale:
        return texts.gettext("This can have changed. Please ask there before you rely on it.")
    return texts.gettext("Not checked for a while. Please ask there first.")


def is_stale(measure: Measure, today: date, *, after: timedelta = STALE_AFTER) -> bool:
    """Whether a row was last checked, or its page written, longer ago than ``after``.

    A page known to the month or year counts from the end of that time; one
    without any date counts as stale.
    """
    checked = checked_on(measure)
    return checked is None or today - checked > after


def checked_on(measure: Measure) -> date | None:
    """The day on which a row was last checked, else the latest on which its page was written."""
    return measure.assured_date or _latest_day(measure.source_date)


def _latest_day(written: str) -> date | None:
    match = re.fullmatch(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?", written)
    if match is None:
        return None
    year, month, day = (int(part or 0) for part in match.groups())
    try:
        if match[3]:
            return date(year, month, day)
        return date(year, month, monthrange(year, month)[1]) if match[2] else date(year, 12, 31)
    except ValueError:
        # A day that no calendar has, such as 2026-02-30, dates nothing.
        return None


def _shortened(text: str) -> str:
    """The first whole sentences of a text, up to ``SHORT_BODY`` characters."""
    if len(text) <= SHORT_BODY:
        return text
    sentences = re.split(r"(?<=[.!?;؟؛])\s+", text)
    kept = ""
    for sentence in sentences:
        if kept and len(kept) + len(sentence) > SHORT_BODY:
            break
        kept = f"{kept} {sentence}".strip()
    if len(kept) <= SHORT_BODY:
        # Half a sentence shows that it goes on.
        return f"{kept[:-1]} …" if kept[-1] in ";؛" else kept
    return kept[:SHORT_BODY].rsplit(" ", 1)[0] + " …"
