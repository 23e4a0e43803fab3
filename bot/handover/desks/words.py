"""The journal in words, for desks that show text: in the language of the counsellors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from bot.conversations.transcript import Entry, PersonEntry
from bot.counsellors.hours import ZONE
from bot.handover.desks.desk import Case, Line
from bot.handover.models import EventKind, Outcome, Reason
from bot.i18n.texts import Texts
from bot.messages import Kind

#: What was said before is shown shortened; the console shows it whole.
LONGEST_BEFORE = 300
NEWCOMER, BOT, COUNSELLOR, NOTE, ALARM = "👤", "🤖", "💬", "📝", "🚨"


def title(case: Case, texts: Texts) -> str:
    """A thread's name: number, language and topic; nothing that names the person."""
    parts = [f"#{case.handover_id}", texts.language_name(case.language)]
    if case.topic:
        parts.append(topic_name(case.topic, texts))
    return " · ".join(parts)


def head(case: Case, texts: Texts) -> str:
    """What a counsellor needs to know first, and what was said before."""
    why = texts.gettext("Why: {reason}", reason=reason(case.reason, texts))
    language = texts.gettext("Language: {language}", language=texts.language_name(case.language))
    lines = [
        f"{ALARM if case.urgent else '🆕'} {title(case, texts)}",
        why,
        f"{language} ({case.channel})",
    ]
    if case.before:
        lines += ["", texts.gettext("Before:"), *before(case.before, texts)]
    return "\n".join(lines)


def before(entries: Sequence[Entry], texts: Texts) -> list[str]:
    """What was said with the bot, shortened, oldest first."""
    shown = []
    for entry in entries:
        if isinstance(entry, PersonEntry):
            shown.append(f"{NEWCOMER} {entry.text or kind_name(entry.kind, texts)}")
        else:
            cards = ", ".join(card.title for card in entry.message.cards)
            words = " – ".join(part for part in (entry.message.text, cards) if part)
            shown.append(f"{BOT} {words}")
    return [" ".join(line.split())[:LONGEST_BEFORE] for line in shown]


def line(entry: Line, texts: Texts) -> str:
    """One line of the journal in words; empty where a desk need not be told."""
    match entry.kind:
        case EventKind.MESSAGE:
            return _message(entry, texts)
        case EventKind.REPLY:
            return f"{COUNSELLOR} {entry.actor} ({entry.done_at_desk}): {entry.text}"
        case EventKind.CORRECTED:
            corrected = texts.gettext("corrected")
            return f"{COUNSELLOR} {entry.actor} ({corrected}): {entry.text}"
        case EventKind.NOTE:
            return f"{NOTE} {entry.actor}: {entry.text}"
        case EventKind.REFUSED:
            return f"⚠️ {entry.text}"
    sentence = _SENTENCES.get(entry.kind)
    return sentence(entry, texts) if sentence else ""


def _message(entry: Line, texts: Texts) -> str:
    parts = []
    if entry.message_kind not in (None, Kind.TEXT, Kind.BUTTON):
        parts.append(f"[{kind_name(entry.message_kind or Kind.OTHER, texts)}]")
    if entry.edited:
        corrected = texts.gettext("corrected")
        parts.append(f"({corrected})")
    parts.append(entry.text)
    return f"{NEWCOMER} {' '.join(part for part in parts if part)}"


def _translated(entry: Line, texts: Texts) -> str:
    if not entry.text:
        return ""
    mark = texts.gettext("Translated by a machine")
    return f"🌐 {mark}: {entry.text}"


def _outcome(entry: Line, texts: Texts) -> str:
    name = outcome(entry.details.get("outcome", ""), texts)
    return texts.gettext("✔️ Closed by {name}: {outcome}", name=entry.actor, outcome=name)


def _alert(entry: Line, texts: Texts) -> str:
    names = entry.details.get("on_duty") or []
    text = texts.gettext("🚨 Emergency! Nobody has taken it yet. Take it with /claim")
    if names:
        there = texts.gettext("On duty: {names}", names=texts.enumeration(names))
        return f"{text}\n{there}"
    return text


def _snoozed(entry: Line, texts: Texts) -> str:
    moment = datetime.fromisoformat(entry.details["until"]).astimezone(ZONE)
    return texts.gettext(
        "💤 {name} put it aside until {moment}",
        name=entry.actor,
        moment=texts.day_and_time(moment),
    )


def _undelivered(entry: Line, texts: Texts) -> str:
    if entry.details.get("state") == "uncertain":
        return texts.gettext("⚠️ It is not certain that the last answer arrived.")
    return texts.gettext("⚠️ The last answer did not arrive; the person cannot be reached.")


_SENTENCES: dict[EventKind, Callable[[Line, Texts], str]] = {
    EventKind.MADE_URGENT: lambda entry, texts: texts.gettext("🚨 This is an emergency now."),
    EventKind.ALERTED: _alert,
    EventKind.CLAIMED: lambda entry, texts: texts.gettext("✅ {name} has it", name=entry.actor),
    EventKind.ASSIGNED: lambda entry, texts: texts.gettext(
        "✅ {name} has it now", name=entry.details.get("to", "")
    ),
    EventKind.TRANSFERRED: lambda entry, texts: texts.gettext(
        "↪️ {name} passed it on; it waits again", name=entry.actor
    ),
    EventKind.SNOOZED: _snoozed,
    EventKind.WOKEN: lambda entry, texts: texts.gettext("⏰ It is time for this again."),
    EventKind.CALL_WANTED: lambda entry, texts: texts.gettext("📞 The person asks for a call."),
    EventKind.LEFT_TO_BOT: lambda entry, texts: texts.gettext(
        "The person goes on with the chat assistant; an answer is still expected."
    ),
    EventKind.WITHDRAWN: lambda entry, texts: texts.gettext(
        "The person goes on with the chat assistant and needs nobody any more."
    ),
    EventKind.CLOSED: _outcome,
    EventKind.REOPENED: lambda entry, texts: texts.gettext("🔁 The talk goes on."),
    EventKind.RATED: lambda entry, texts: "👍" if entry.details.get("rating") == 1 else "👎",
    EventKind.UNDELIVERED: _undelivered,
    EventKind.TRANSLATED: _translated,
}


def not_translated(text: str, texts: Texts) -> str:
    """Tells a counsellor that a reply could not be translated, so that it was not sent."""
    return texts.gettext("This could not be translated and was not sent: {text}", text=text)


def reason(value: str, texts: Texts) -> str:
    """Why a handover was requested."""
    return {
        Reason.ASKED: texts.gettext("asked for a person"),
        Reason.NOT_UNDERSTOOD: texts.gettext("was not understood"),
        Reason.EMERGENCY: texts.gettext("emergency"),
        Reason.BOOKING: texts.gettext("question about an appointment"),
        Reason.CORRECTION: texts.gettext("reports a mistake"),
    }[Reason(value)]


def outcome(value: str, texts: Texts) -> str:
    """How a handover ended; nothing where that is not known."""
    names = {
        Outcome.RESOLVED: texts.gettext("solved"),
        Outcome.REFERRED: texts.gettext("referred to another office"),
        Outcome.NO_ANSWER: texts.gettext("the person did not answer"),
        Outcome.NOT_NEEDED: texts.gettext("nothing to do"),
        Outcome.WITHDRAWN: texts.gettext("the person went on with the chat assistant"),
    }
    return names[Outcome(value)] if value else ""


def topic_name(topic: str, texts: Texts) -> str:
    """A topic's name; the word of the database where it is not known."""
    return {
        "language_course": texts.gettext("German courses"),
        "job": texts.gettext("Work and training"),
        "recognition": texts.gettext("Recognition of qualifications"),
        "childcare": texts.gettext("Childcare"),
        "housing": texts.gettext("Housing"),
        "education": texts.gettext("School and study"),
        "health": texts.gettext("Health"),
        "residence": texts.gettext("Residence papers"),
        "benefits": texts.gettext("Money and benefits"),
        "counselling": texts.gettext("Advice"),
        "community": texts.gettext("Meeting people"),
    }.get(topic, topic)


def kind_name(kind: Kind, texts: Texts) -> str:
    """What somebody sent when it was not text."""
    return {
        Kind.PHOTO: texts.gettext("photo"),
        Kind.VOICE: texts.gettext("voice message"),
        Kind.STICKER: texts.gettext("sticker"),
        Kind.LOCATION: texts.gettext("location"),
        Kind.DOCUMENT: texts.gettext("file"),
        Kind.CONTACT: texts.gettext("contact"),
    }.get(kind, texts.gettext("something other than text"))
