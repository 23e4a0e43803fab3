"""Writing to the newcomer: replies, canned answers, cards of offers, the sign of typing."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from bot.console.inbox.moves import actor_of, require_own_or_waiting
from bot.console.inbox.routes import Counsellor, Number, sent, their_texts
from bot.console.pages import STUTTGART, render
from bot.console.services import ConsoleServices, Services
from bot.counsellors import forms
from bot.errors import IllegalMoveError, NotFoundError
from bot.handover import canned, inbox, service
from bot.handover.inbox import Viewer
from bot.handover.translation import ask_for_translated_reply
from bot.i18n.texts import Texts
from bot.measures.models import Measure, MeasureText, Status
from bot.measures.presentation import card
from bot.messages import Card, OutgoingMessage

MAXIMUM_REPLY = 8_000
OFFERS_SHOWN = 12
TYPING_SECONDS = 5.0

router = APIRouter(prefix="/inbox/{handover_id}")
Text = Annotated[str, Form()]


@router.post("/reply")
def reply(
    request: Request,
    services: Services,
    account: Counsellor,
    handover_id: Number,
    text: Text = "",
    key: Text = "",
    translate: Text = "",
) -> Response:
    """Sends words to the newcomer; a form that arrives twice sends them once.

    With ``translate`` a machine translates them first; the newcomer gets both.
    """
    if len(text) > MAXIMUM_REPLY:
        raise IllegalMoveError(f"A reply has at most {MAXIMUM_REPLY} characters.")
    with services.database.transaction() as session:
        require_own_or_waiting(session, handover_id, account)
        if forms.first_time(session, key, now=services.clock()):
            # Browsers send the two signs of an old typewriter at the end of each line.
            words = text.replace("\r\n", "\n").replace("\x00", "")
            by, now = actor_of(account), services.clock()
            if translate and services.translates:
                ask_for_translated_reply(session, handover_id, text=words, by=by, now=now)
            else:
                service.reply(session, handover_id, by=by, now=now, text=words)
    return sent(request, services, account, handover_id)


@router.get("/canned")
def show_canned(
    request: Request, services: Services, account: Counsellor, handover_id: Number
) -> Response:
    """All canned answers, in the counsellor's language beside the newcomer's."""
    with services.database.reading() as session:
        theirs = their_texts(session, services, account, handover_id)
    mine = services.catalogues.get(account.interface_language)
    answers = [
        (answer.key, mine.gettext(answer.text), theirs.gettext(answer.text))
        for answer in canned.ANSWERS
    ]
    return render(
        request,
        "inbox/_canned.html",
        handover_id=handover_id,
        answers=answers,
        their_language=theirs.language,
        key=forms.new_key(),
    )


@router.post("/canned")
def send_canned(
    request: Request,
    services: Services,
    account: Counsellor,
    handover_id: Number,
    answer: Text = "",
    key: Text = "",
) -> Response:
    """Sends a canned answer in the newcomer's language."""
    now = services.clock()
    with services.database.transaction() as session:
        handover = require_own_or_waiting(session, handover_id, account)
        theirs = services.catalogues.get(handover.conversation.language)
        text = canned.text_of(answer, theirs)
        if text is None:
            raise NotFoundError("There is no such answer.")
        if forms.first_time(session, key, now=now):
            message = OutgoingMessage(text=text, language=theirs.language)
            service.reply(session, handover_id, by=actor_of(account), now=now, message=message)
    return sent(request, services, account, handover_id)


@router.get("/offers")
def show_offers(
    request: Request,
    services: Services,
    account: Counsellor,
    handover_id: Number,
    words: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Published offers whose title or provider holds the words, as the newcomer would see them."""
    with services.database.reading() as session:
        theirs = their_texts(session, services, account, handover_id)
        mine = services.catalogues.get(account.interface_language)
        found = [
            (measure.id, _card(measure, mine, services, short=True))
            for measure in _offers(session, words)
        ]
    return render(
        request,
        "inbox/_offers.html",
        handover_id=handover_id,
        offers=found,
        words=words,
        their_language=theirs.language,
        key=forms.new_key(),
    )


@router.post("/offers")
def send_offer(
    request: Request,
    services: Services,
    account: Counsellor,
    handover_id: Number,
    measure: Text = "",
    key: Text = "",
) -> Response:
    """Sends the whole card of an offer in the newcomer's language."""
    now = services.clock()
    with services.database.transaction() as session:
        require_own_or_waiting(session, handover_id, account)
        theirs = their_texts(session, services, account, handover_id)
        found = session.get(Measure, measure)
        if found is None or found.status != Status.PUBLISHED:
            raise NotFoundError("There is no such offer.")
        if forms.first_time(session, key, now=now):
            shown = _card(found, theirs, services, short=False)
            message = OutgoingMessage(cards=(shown,), language=theirs.language)
            service.reply(session, handover_id, by=actor_of(account), now=now, message=message)
    return sent(request, services, account, handover_id)


@router.post("/typing")
async def show_typing(services: Services, account: Counsellor, handover_id: Number) -> Response:
    """Tells the newcomer, and colleagues who look at it, that an answer is being written."""
    viewer = Viewer.of(account)

    def find() -> tuple[str, str] | None:
        with services.database.reading() as session:
            handover = inbox.visible(session, handover_id, viewer)
            if not actor_of(account).has(handover) or not handover.is_open:
                return None
            identity = handover.conversation.identity
            return identity.channel, identity.address

    reached = await run_in_threadpool(find)
    services.live.typing(viewer, handover_id, account.name)
    if reached is not None and (channel := services.channels.get(reached[0])) is not None:
        try:
            async with asyncio.timeout(TYPING_SECONDS):
                await channel.show_typing(address=reached[1])
        except TimeoutError:
            # The sign is a courtesy; a slow platform must not hold a request.
            pass
    return Response(status_code=204)


def _card(measure: Measure, texts: Texts, services: ConsoleServices, *, short: bool) -> Card:
    today = services.clock().astimezone(STUTTGART).date()
    return card(measure, texts, today=today, short=short, stale_after=services.stale_after)


def _offers(session: Session, words: str) -> list[Measure]:
    query = select(Measure).where(Measure.status == Status.PUBLISHED)
    for word in words.split()[:5]:
        held = or_(
            *(
                MeasureText.title.contains(spelling, autoescape=True)
                | MeasureText.description.contains(spelling, autoescape=True)
                for spelling in {word, word.lower(), word.capitalize()}
            )
        )
        query = query.where(Measure.id.in_(select(MeasureText.measure_id).where(held)))
    query = query.order_by(Measure.assured_date.desc(), Measure.id).limit(OFFERS_SHOWN)
    return list(session.scalars(query).unique())
