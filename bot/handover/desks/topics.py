"""What counsellors write in a topic becomes a move of the handover.

Carried out in the transaction that stores the receipt of it, before Telegram is told that
it arrived: nothing is lost, and a repeated update changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.errors import IllegalMoveError
from bot.handover import service
from bot.handover.desks import receipts
from bot.handover.desks.models import DeskThread
from bot.handover.desks.telegram import NAME, TopicPost
from bot.handover.journal import Actor
from bot.handover.models import Handover, Outcome
from bot.handover.translation import ask_for_translated_reply
from bot.i18n.texts import Catalogues, Texts

_COMMAND = re.compile(r"/([a-z]+)(?:@\w+)?(?:\s+(.*))?", re.IGNORECASE | re.DOTALL)
_OUTCOMES = {outcome.value: outcome for outcome in Outcome if outcome != Outcome.WITHDRAWN}


def take(
    session: Session,
    posts: Sequence[TopicPost],
    *,
    catalogues: Catalogues,
    texts: Texts,
    now: datetime,
    translates: bool = False,
) -> int:
    """Carries out what was written in the topics, in order; returns how much was new.

    ``texts`` are those of the counsellors; ``translates``: the translation aid is on. What
    cannot be done is answered in the topic.
    """
    taken = 0
    for post in posts:
        handover = _handover_in(session, post.thread_id)
        if handover is None or not receipts.is_new(
            session, NAME, post.external_id, message_id=post.message_id, now=now
        ):
            continue
        taken += 1
        by = Actor(name=post.author, desk=NAME, id=post.author_id)
        try:
            with session.begin_nested():
                if translates and _asks_for_translation(session, handover, post, by=by, now=now):
                    continue
                _carry_out(
                    session, handover, post, by=by, catalogues=catalogues, texts=texts, now=now
                )
        except IllegalMoveError:
            why = _why_not(handover, post, texts)
            service.refuse(session, handover.id, text=why, by=by, now=now)
    return taken


def _asks_for_translation(
    session: Session, handover: Handover, post: TopicPost, *, by: Actor, now: datetime
) -> bool:
    """Takes ``/translate …``, whose words a machine translates before they are sent."""
    command = _COMMAND.fullmatch(post.text.strip())
    if command is None or command[1].lower() != "translate" or post.edited:
        return False
    text = (command[2] or "").strip()
    ask_for_translated_reply(session, handover.id, text=text, by=by, now=now)
    return True


def _handover_in(session: Session, thread_id: int) -> Handover | None:
    """The newest handover of the person whose topic this is."""
    return session.scalar(
        select(Handover)
        .join(DeskThread, DeskThread.conversation_id == Handover.conversation_id)
        .where(DeskThread.desk == NAME, DeskThread.external_id == str(thread_id))
        .order_by(Handover.id.desc())
        .limit(1)
    )


def _carry_out(
    session: Session,
    handover: Handover,
    post: TopicPost,
    *,
    by: Actor,
    catalogues: Catalogues,
    texts: Texts,
    now: datetime,
) -> None:
    command = _COMMAND.fullmatch(post.text.strip())
    if command is not None:
        if not post.edited:
            _obey(
                session,
                handover,
                command[1].lower(),
                (command[2] or "").strip(),
                by=by,
                catalogues=catalogues,
                texts=texts,
                now=now,
            )
        return
    if not post.text.strip():
        service.refuse(
            session,
            handover.id,
            text=texts.gettext("Only text can be passed on from here; this was not sent."),
            by=by,
            now=now,
        )
        return
    if post.edited:
        original = receipts.reply_made_of(session, NAME, post.message_id)
        if original is not None:
            service.correct(
                session, original, text=post.text, by=by, catalogues=catalogues, now=now
            )
        return
    reply = service.reply(session, handover.id, text=post.text, by=by, now=now)
    receipts.keep_reply(session, NAME, post.external_id, reply)


def _obey(
    session: Session,
    handover: Handover,
    name: str,
    rest: str,
    *,
    by: Actor,
    catalogues: Catalogues,
    texts: Texts,
    now: datetime,
) -> None:
    match name:
        case "claim":
            service.claim(session, handover.id, by=by, catalogues=catalogues, now=now)
        case "take":
            service.assign(session, handover.id, to=by, by=by, catalogues=catalogues, now=now)
        case "note":
            service.note(session, handover.id, text=rest, by=by, now=now)
        case "close":
            outcome = _OUTCOMES.get(rest or Outcome.RESOLVED.value, Outcome.RESOLVED)
            service.close(
                session, handover.id, outcome=outcome, by=by, catalogues=catalogues, now=now
            )
        case "reopen":
            service.reopen(session, handover.id, by=by, now=now)
        case _:
            help_text = texts.gettext(
                "Write here to answer the person. Commands: /claim takes it, /take takes it "
                "over from a colleague, /note is for colleagues only, /close ends the talk, "
                "/reopen goes on with it."
            )
            service.refuse(session, handover.id, text=help_text, by=by, now=now)


def _why_not(handover: Handover, post: TopicPost, texts: Texts) -> str:
    if not handover.is_open:
        return texts.gettext("This talk is closed, so this was not sent. /reopen goes on with it.")
    if post.text.strip().startswith("/note"):
        return texts.gettext("Write the note behind the command: /note …")
    return texts.gettext("{name} has it. /take takes it over.", name=handover.claimed_by or "?")
