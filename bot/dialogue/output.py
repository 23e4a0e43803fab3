"""Turns the engine's answer into messages in the reader's language and into effects.

The engine answers with texts and with ``custom`` data that name what is to be
shown: offers by id, a language change, an emergency. The words are made here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from bot.booking.answers import BookingAnswers
from bot.dialogue.effects import (
    CountFailure,
    Effect,
    NoteCorrection,
    Reply,
    RequestHandover,
    SetLanguage,
)
from bot.dialogue.engine import EngineAnswer
from bot.dialogue.meanings import alternatives, ask_back
from bot.dialogue.texts import (
    emergency,
    language_changed,
    language_not_served,
    language_question,
    not_understood,
    restarted,
    topic_question,
)
from bot.errors import MessageNotProcessedError
from bot.handover.models import Reason
from bot.i18n.languages import REPLY_LANGUAGES
from bot.i18n.texts import Catalogues, Texts
from bot.measures import corrections
from bot.measures.answers import MeasureAnswers
from bot.messages import Button, OutgoingMessage
from bot.observing import SearchResult, Understanding
from bot.safety.answers import Emergency

# After this many messages in a row that were not understood, a person takes over.
FAILURES_BEFORE_HANDOVER = 3


class Output:
    """Builds replies. Stateless apart from the texts and the measures it reads."""

    def __init__(
        self, *, catalogues: Catalogues, measures: MeasureAnswers, booking: BookingAnswers
    ) -> None:
        self._catalogues = catalogues
        self._measures = measures
        self._booking = booking

    def reply(self, answer: EngineAnswer, *, language: str, failures: int) -> Reply:
        """The reply to one message.

        ``failures`` counts the messages before this one that were not understood.
        Raises ``MessageNotProcessedError`` when the engine said nothing: silence is
        never an answer.
        """
        messages: list[OutgoingMessage] = []
        effects: list[Effect] = []
        for item in answer.messages:
            custom = item.get("custom") or {}
            if custom:
                message, caused = self._custom(custom, language, failures)
                effects.extend(caused)
                # What follows a change of language is said in the new one.
                chosen = [one.code for one in caused if isinstance(one, SetLanguage)]
                language = chosen[-1] if chosen else language
            else:
                message = OutgoingMessage(
                    text=item.get("text") or "",
                    buttons=tuple(_button(button) for button in item.get("buttons") or ()),
                    language=language,
                )
            if message is not None:
                messages.append(message)
        if not messages and not effects:
            raise MessageNotProcessedError(f"the engine was silent on {answer.intent}")
        return Reply(
            messages=_joined(messages),
            effects=tuple(effects),
            intent=answer.intent,
            understanding=_understanding(answer, effects),
            search=_search(answer),
        )

    def _custom(
        self,
        custom: dict[str, Any],
        language: str,
        failures: int,
    ) -> tuple[OutgoingMessage | None, list[Effect]]:
        texts = self._catalogues.get(language)
        if "offers" in custom:
            return self._measures.offers(custom["offers"], texts), []
        if "offer" in custom:
            return self._measures.details(custom["offer"], texts), []
        if "ask_correction" in custom:
            return corrections.question(texts), []
        if "correction" in custom:
            return self._correction(custom["correction"], custom["question"], texts)
        if message := self._about_booking(custom, texts):
            return message, []
        if "language" in custom:
            return self._language(custom["language"], language)
        if "handover" in custom:
            # What is said about it depends on who is there when it is carried out.
            return None, [RequestHandover(reason=Reason(custom["handover"]))]
        if "emergency" in custom:
            # The model knows that it is one, not of which kind: the widest answer is given.
            effect = RequestHandover(reason=Reason.EMERGENCY, urgent=True)
            return emergency(Emergency.DANGER, texts), [effect]
        if "restarted" in custom:
            return restarted(texts), []
        if "ask_topic" in custom:
            return topic_question(texts), []
        if "alternatives" in custom:
            return alternatives(**custom["alternatives"], texts=texts), []
        if custom.get("understood", False) and "ask_back" in custom:
            return ask_back(custom["ask_back"], texts, again=False), []
        if "not_understood" in custom or "ask_back" in custom:
            return self._not_understood(custom.get("ask_back", []), texts, failures)
        raise MessageNotProcessedError(f"unknown custom answer {sorted(custom)}")

    def _about_booking(self, custom: dict[str, Any], texts: Texts) -> OutgoingMessage | None:
        """The answer to what is described about appointments; None for anything else."""
        answers = self._booking
        if "booking_question" in custom:
            return answers.question(custom["booking_question"], texts)
        if "booking_note" in custom:
            return answers.remark(custom["booking_note"], texts)
        if "booked" in custom:
            return answers.settled(custom["booked"], texts, moved=custom["moved"])
        if "booking_stopped" in custom:
            return answers.stopped(
                custom["booking_stopped"],
                custom.get("service"),
                texts,
                places=custom.get("places", ()),
            )
        if "appointments" in custom:
            return answers.appointments(
                custom["appointments"],
                texts,
                purpose=custom["for"],
                places=custom.get("places", ()),
            )
        if "cancelled" in custom:
            return answers.cancelled(custom["cancelled"], texts)
        if "appointment_gone" in custom:
            return answers.gone(texts)
        if "booking_old_button" in custom:
            return answers.old_button(texts)
        return answers.unavailable(texts) if "booking_unavailable" in custom else None

    def _correction(
        self, hint: dict[str, Any], question: str | None, texts: Texts
    ) -> tuple[OutgoingMessage, list[Effect]]:
        said = hint["text"]
        if said in corrections.REASONS:
            # Editors read the reason in their language, not the person's.
            said = corrections.reason(said, self._catalogues["de"])
        effect = NoteCorrection(measure=hint["measure"], text=said)
        return corrections.thanks(texts, question=question), [effect]

    @staticmethod
    def _not_understood(
        meanings: list[str], texts: Texts, failures: int
    ) -> tuple[OutgoingMessage | None, list[Effect]]:
        """Asks what was meant, or says what the bot can do; in the end a person takes over."""
        if failures + 1 >= FAILURES_BEFORE_HANDOVER:
            return None, [RequestHandover(reason=Reason.NOT_UNDERSTOOD)]
        again = failures > 0
        if meanings:
            return ask_back(meanings, texts, again=again), [CountFailure(asked_back=True)]
        return not_understood(texts, again=again), [CountFailure()]

    def _language(self, wanted: str | None, language: str) -> tuple[OutgoingMessage, list[Effect]]:
        if wanted in REPLY_LANGUAGES:
            return language_changed(self._catalogues[wanted]), [SetLanguage(code=wanted)]
        texts = self._catalogues.get(language)
        if wanted:
            return language_not_served(texts, wanted), []
        return language_question(texts), []


def _understanding(answer: EngineAnswer, effects: Sequence[Effect]) -> Understanding:
    given_up = any(
        isinstance(effect, RequestHandover) and effect.reason == Reason.NOT_UNDERSTOOD
        for effect in effects
    )
    asks_back = any(custom.get("ask_back") for custom in _customs(answer))
    if asks_back and not given_up:
        return Understanding.ASKED_BACK
    failed = given_up or any(isinstance(effect, CountFailure) for effect in effects)
    return Understanding.NOT_UNDERSTOOD if failed else Understanding.UNDERSTOOD


def _search(answer: EngineAnswer) -> SearchResult | None:
    shown = next((custom["offers"] for custom in _customs(answer) if "offers" in custom), None)
    # Going on in a list is no search of its own.
    if shown is None or shown["position"]:
        return None
    if not shown["ids"]:
        return SearchResult.NOTHING
    return SearchResult.RELAXED if shown.get("dropped") else SearchResult.FOUND


def _customs(answer: EngineAnswer) -> list[dict[str, Any]]:
    return [item.get("custom") or {} for item in answer.messages]


def _joined(messages: list[OutgoingMessage]) -> tuple[OutgoingMessage, ...]:
    """Merges what the engine said in pieces: one question gets one message back.

    What asks for words stands in a message of its own below an answer with cards or buttons, so
    that it is plain what the buttons belong to.
    """
    joined: list[OutgoingMessage] = []
    for message in messages:
        before = joined[-1] if joined else None
        if before is None or (message.asks and (before.cards or before.buttons)):
            joined.append(message)
        else:
            joined[-1] = OutgoingMessage(
                text="\n\n".join(text for text in (before.text, message.text) if text),
                cards=before.cards + message.cards,
                buttons=before.buttons + message.buttons,
                documents=before.documents + message.documents,
                asks=message.asks or before.asks,
                # The last piece decides: a language change speaks in the new one.
                language=message.language,
            )
    return tuple(joined)


def _button(button: dict[str, Any]) -> Button:
    """A button of ``domain/*.yml``; ``means`` there is what a plain "yes" or "no" presses."""
    return Button(
        title=button["title"],
        payload=payload(button["payload"]),
        means=button.get("means", ""),
    )


def payload(written: str) -> dict[str, Any]:
    """A payload of ``domain/*.yml``: ``/intent{"entity": …}`` or ``!command``, as data.

    Raises ``ValueError`` for any other form.
    """
    if written.startswith("!"):
        return {"command": written[1:]}
    match = re.fullmatch(r"/(\w+)(\{.*\})?", written)
    if match is None:
        raise ValueError(f"not a payload: {written!r}")
    return {"intent": match[1], "entities": json.loads(match[2] or "{}")}


def as_payload_text(data: dict[str, Any]) -> str:
    """A button's payload as the engine reads it: ``/intent{"entity": …}``."""
    entities = data.get("entities") or {}
    return f"/{data['intent']}{json.dumps(entities)}" if entities else f"/{data['intent']}"
