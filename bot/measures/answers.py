"""Answers made of offers: a list of up to three, or one with all its facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from bot.buttons import more_button, ways_on
from bot.clock import Clock
from bot.db.session import Database
from bot.i18n.texts import Texts
from bot.measures.details import details_card
from bot.measures.models import Kind, Measure, Status
from bot.measures.opening import stuttgart_calendar
from bot.measures.presentation import STALE_AFTER, card
from bot.measures.search import CITY_ZONE, Found, Meanings, MeasureSearch, Wishes
from bot.measures.topics import Topic, topic_name
from bot.measures.wish_names import wish_names
from bot.messages import Button, Card, OutgoingMessage

PAGE_SIZE = 3
# How alike a question and a guide must be, as a cosine without the language's share.
GUIDE_FITS = 0.42
# By how much an offer may be more like the question than the guide that opens the answer.
GUIDE_BEHIND = 0.08


class MeasureAnswers:
    """Searches offers and puts them into words."""

    def __init__(
        self,
        *,
        database: Database,
        meanings: Meanings,
        clock: Clock,
        stale_after: timedelta = STALE_AFTER,
    ) -> None:
        self._database = database
        self._search = MeasureSearch(meanings=meanings, stale_after=stale_after)
        self._clock = clock
        self._stale_after = stale_after

    def today(self) -> date:
        """The day it is in the city."""
        return self._clock().astimezone(CITY_ZONE).date()

    def find(self, *, topic: Topic, wishes: Wishes, text: str) -> Found:
        """All offers of a topic that fit, best first; see ``bot.measures.search``."""
        with self._database.reading() as session:
            return self._search.find(
                session,
                topic=topic,
                wishes=wishes,
                text=text,
                first=PAGE_SIZE,
                now=self._clock(),
            )

    def guide(self, *, topic: Topic, text: str, offers: Found) -> str | None:
        """The explanation that answers a question about a topic.

        None where none is near it, or where one of the first of ``offers`` is nearer: then
        that offer is the answer, and an explanation before it would be about something else.
        """
        if not text.strip():
            return None
        with self._database.reading() as session:
            found = self._search.find(
                session,
                topic=topic,
                wishes=Wishes(),
                text=text,
                first=1,
                now=self._clock(),
                kind=Kind.GUIDE,
                limit=1,
            )
        nearest = max(offers.nearness[:PAGE_SIZE], default=0.0)
        fits = bool(found.ids) and found.nearness[0] >= max(GUIDE_FITS, nearest - GUIDE_BEHIND)
        return found.ids[0] if fits else None

    def offers(self, shown: dict[str, Any], texts: Texts) -> OutgoingMessage:
        """One page of a search as a message.

        ``shown`` holds ``topic``, ``ids`` (of this page), ``total``, ``position`` of
        the first, ``wishes``, ``unconfirmed``, ``dropped`` and the ``guide`` that opens the
        answer, if one does, as an action described them.
        """
        topic = Topic(shown["topic"])
        measures = self._measures(shown["ids"])
        if not measures:
            return self._nothing(topic, shown, texts)
        cards = self._guide(shown, texts)
        introduction = self._introduction(topic, shown, len(measures), texts)
        if cards:
            introduction.insert(0, texts.gettext("First a short explanation, then the offers."))
        for number, measure in enumerate(measures, start=1):
            offer = self._short_card(measure, texts)
            cards.append(replace(offer, title=f"{number}. {offer.title}"))
        return OutgoingMessage(
            text="\n".join(introduction),
            cards=tuple(cards),
            buttons=tuple(_buttons(measures, shown, texts)),
            language=texts.language,
        )

    def details(self, measure_id: str, texts: Texts) -> OutgoingMessage:
        """Everything known about one offer; a kind word when it is no longer offered."""
        with self._database.reading() as session:
            measure = session.get(Measure, measure_id)
            if measure is None or measure.status != Status.PUBLISHED.value:
                return OutgoingMessage(
                    text=texts.gettext("This offer is no longer in my list."),
                    buttons=ways_on(texts),
                    language=texts.language,
                )
            offer = details_card(
                measure,
                texts,
                now=self._clock(),
                calendar=stuttgart_calendar(),
                stale_after=self._stale_after,
            )
        wrong = Button(
            title=texts.gettext("Is something wrong here?"),
            payload={"intent": "inform", "entities": {"correct": measure_id}},
            choosable=False,
        )
        return OutgoingMessage(
            cards=(offer,), buttons=(wrong, *ways_on(texts)), language=texts.language
        )

    def _guide(self, shown: dict[str, Any], texts: Texts) -> list[Card]:
        """The explanation that opens an answer, on its first page; whole, as no details follow."""
        return [
            card(guide, texts, today=self.today(), short=False, stale_after=self._stale_after)
            for guide in self._measures([shown["guide"]] if shown.get("guide") else [])
        ]

    def _short_card(self, measure: Measure, texts: Texts) -> Card:
        return card(measure, texts, today=self.today(), short=True, stale_after=self._stale_after)

    def _measures(self, ids: Sequence[str]) -> list[Measure]:
        with self._database.reading() as session:
            found = session.scalars(
                select(Measure).where(Measure.id.in_(ids), Measure.status == Status.PUBLISHED.value)
            ).all()
        by_id = {measure.id: measure for measure in found}
        return [by_id[measure_id] for measure_id in ids if measure_id in by_id]

    def _introduction(
        self, topic: Topic, shown: dict[str, Any], count: int, texts: Texts
    ) -> list[str]:
        name = topic_name(topic, texts)
        if shown["position"]:
            lines = [
                texts.gettext(
                    "{topic}: offers {first} to {last} of {total}",
                    topic=name,
                    first=shown["position"] + 1,
                    last=shown["position"] + count,
                    total=shown["total"],
                )
            ]
        else:
            lines = [
                texts.ngettext(
                    "{topic}: I have found {number} offer.",
                    "{topic}: I have found {number} offers. The best matches first:",
                    shown["total"],
                    topic=name,
                )
            ]
        wishes = wish_names(shown["wishes"], texts)
        if wishes:
            lines.append(
                texts.gettext(
                    "You are looking for: {wishes}.",
                    wishes=texts.enumeration(list(wishes.values())),
                )
            )
        dropped = [wishes[name] for name in shown.get("dropped", ()) if name in wishes]
        if dropped:
            lines.append(
                texts.gettext(
                    "Nothing fits all of it. These offers do not meet this wish: {wishes}.",
                    wishes=texts.enumeration(dropped),
                )
            )
        unconfirmed = [wishes[name] for name in shown["unconfirmed"] if name in wishes]
        if unconfirmed:
            lines.append(
                texts.gettext(
                    "The sources do not say this: {wishes}. Please ask there.",
                    wishes=texts.enumeration(unconfirmed),
                )
            )
        return lines

    def _nothing(self, topic: Topic, shown: dict[str, Any], texts: Texts) -> OutgoingMessage:
        name = topic_name(topic, texts)
        text = (
            texts.gettext("{topic}: I have no more offers.", topic=name)
            if shown["position"]
            else texts.gettext("{topic}: I have found no offer that fits.", topic=name)
        )
        return OutgoingMessage(
            text=text,
            buttons=(*_without_buttons(shown["wishes"], texts), *ways_on(texts)),
            language=texts.language,
        )


def _buttons(measures: Sequence[Measure], shown: dict[str, Any], texts: Texts) -> list[Button]:
    buttons = [
        Button(
            title=texts.gettext("Details {number}", number=number),
            payload={"intent": "inform", "entities": {"measure": measure.id}},
        )
        for number, measure in enumerate(measures, start=1)
    ]
    if shown["position"] + len(measures) < shown["total"]:
        buttons.append(more_button(texts))
    return [*buttons, *_without_buttons(shown["wishes"], texts), *ways_on(texts)]


def _without_buttons(wishes: dict[str, Any], texts: Texts) -> list[Button]:
    """One button for each wish that takes it back."""
    return [
        Button(
            title=f"✕ {name}",
            payload={"intent": "inform", "entities": {"without": wish}},
            choosable=False,
        )
        for wish, name in wish_names(wishes, texts).items()
    ]
