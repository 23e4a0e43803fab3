"""The pages of the inbox: list, conversation, search, and the parts that live pages fetch again."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, Response

from bot.console import access
from bot.console.inbox import words
from bot.console.inbox.thread import thread
from bot.console.pages import NavItem, redirect, render, texts_of
from bot.console.services import ConsoleServices, Services, services_of
from bot.counsellors import accounts, forms
from bot.counsellors.models import Account, Role
from bot.handover import finding, inbox
from bot.handover.inbox import PAGE_SIZE, Filter, View, Viewer
from bot.handover.journal import Actor
from bot.handover.models import ContactFact, Handover, HandoverState, Queue, Reason
from bot.handover.service import labels
from bot.i18n.languages import REPLY_LANGUAGES
from bot.i18n.texts import Texts, source_text

COUNSELLORS = (Role.COUNSELLOR, Role.PARTNER, Role.ADMIN)
NAVIGATION = NavItem(
    path="/console/inbox", label=source_text("Inbox"), icon="inbox", roles=frozenset(COUNSELLORS)
)
Counsellor = Annotated[Account, Depends(access.require(*COUNSELLORS))]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
MESSAGES_SHOWN = 200
MESSAGES_AT_MOST = 5_000

router = APIRouter(prefix="/inbox")


class _ListQuery:
    """The filters as they stand in an address."""

    def __init__(
        self,
        view: View = View.WAITING,
        language: Annotated[str, Query(max_length=8)] = "",
        topic: Annotated[str, Query(max_length=40)] = "",
        queue: Annotated[str, Query(max_length=12, pattern=r"^\d*$")] = "",
        label: Annotated[str, Query(max_length=40)] = "",
        before: Annotated[int | None, Query(ge=1, le=2**31)] = None,
    ) -> None:
        self.filter = Filter(
            view=view,
            language=language,
            topic=topic,
            queue_id=int(queue) if queue else None,
            label=label,
        )
        self.before = before

    def address(self, **changes: str) -> str:
        """The same filters with ``changes``, to stand behind ``?``."""
        wanted = self.filter
        values = {
            "view": wanted.view.value,
            "language": wanted.language,
            "topic": wanted.topic,
            "queue": "" if wanted.queue_id is None else str(wanted.queue_id),
            "label": wanted.label,
        } | changes
        return urlencode({name: value for name, value in values.items() if value})


ListQuery = Annotated[_ListQuery, Depends()]


@router.get("")
def show(request: Request, services: Services, account: Counsellor, query: ListQuery) -> Response:
    """The list alone."""
    with services.database.reading() as session:
        context = _list(session, services, account, query)
        context |= _filters(session)
    return render(request, "inbox/page.html", opened=0, **context)


@router.get("/list")
def show_list(
    request: Request, services: Services, account: Counsellor, query: ListQuery, open: int = 0
) -> Response:
    """The list as a part, for a page that shows it already; ``open`` marks a line."""
    with services.database.reading() as session:
        context = _list(session, services, account, query)
    return render(request, "inbox/_list.html", opened=open, **context)


@router.get("/unread")
def show_unread(services: Services, account: Counsellor) -> Response:
    """How much is unread in what waits and in one's own conversations."""
    with services.database.reading() as session:
        unread = inbox.unread_counts(session, Viewer.of(account))
    return JSONResponse({"conversations": len(unread), "messages": sum(unread.values())})


@router.get("/search")
def search(
    request: Request,
    services: Services,
    account: Counsellor,
    words: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Places in past and present conversations where the words stand."""
    with services.database.reading() as session:
        hits = finding.search(session, Viewer.of(account), words)
    return render(request, "inbox/search.html", words=words, hits=hits, where=WHERE)


WHERE = words.FOUND


@router.get("/{handover_id}")
def show_talk(
    request: Request,
    services: Services,
    account: Counsellor,
    query: ListQuery,
    handover_id: Number,
    limit: Annotated[int, Query(ge=1, le=MESSAGES_AT_MOST)] = MESSAGES_SHOWN,
) -> Response:
    """A conversation beside the list; from then on it is read."""
    viewer = Viewer.of(account)
    with services.database.reading() as session:
        handover = inbox.visible(session, handover_id, viewer)
        context = talk(session, request, account, handover, limit=limit)
        context |= _list(session, services, account, query)
        context |= _side(session, account, handover)
        context |= _filters(session)
        unread = inbox.unread_counts(session, viewer, handover_ids=[handover_id])
    if unread:
        with services.database.transaction() as session:
            inbox.mark_read(session, viewer, handover_id)
    return render(request, "inbox/talk.html", opened=handover_id, key=forms.new_key(), **context)


@router.get("/{handover_id}/thread")
def show_thread(
    request: Request,
    services: Services,
    account: Counsellor,
    handover_id: Number,
    limit: Annotated[int, Query(ge=1, le=MESSAGES_AT_MOST)] = MESSAGES_SHOWN,
) -> Response:
    """The messages and the head as parts, for a page that shows them already."""
    return thread_part(request, services, account, handover_id, limit=limit)


def thread_part(
    request: Request,
    services: ConsoleServices,
    account: Account,
    handover_id: int,
    *,
    limit: int = MESSAGES_SHOWN,
) -> Response:
    """See ``show_thread``; also the answer to a reply that was sent."""
    viewer = Viewer.of(account)
    with services.database.reading() as session:
        handover = inbox.visible(session, handover_id, viewer)
        context = talk(session, request, account, handover, limit=limit)
        unread = inbox.unread_counts(session, viewer, handover_ids=[handover_id])
    if unread:
        with services.database.transaction() as session:
            inbox.mark_read(session, viewer, handover_id)
    return render(request, "inbox/_thread.html", key=forms.new_key(), **context)


def sent(
    request: Request, services: ConsoleServices, account: Account, handover_id: int
) -> Response:
    """The answer to something that was sent to the newcomer, who gets it at once."""
    services.replied()
    if "HX-Request" in request.headers:
        return thread_part(request, services, account, handover_id)
    return redirect(f"/inbox/{handover_id}")


def their_texts(
    session: Session, services: ConsoleServices, account: Account, handover_id: int
) -> Texts:
    """The newcomer's texts; raises ``NotFoundError`` when the account may not see them."""
    handover = inbox.visible(session, handover_id, Viewer.of(account))
    return services.catalogues.get(handover.conversation.language)


def talk(
    session: Session, request: Request, account: Account, handover: Handover, *, limit: int
) -> dict[str, Any]:
    """What head, messages and composer of a conversation need."""
    mine = Actor(name=account.name, id=account.id).has(handover)
    waiting = handover.state == HandoverState.WAITING
    viewer = Viewer.of(account)
    items = thread(session, viewer, handover, texts_of(request), limit=limit)
    return {
        "handover": handover,
        "channel": handover.conversation.identity.channel,
        "their_language": handover.conversation.language or handover.language or "en",
        "items": items,
        "limit": limit,
        "more": limit * 2 if len(items) >= limit and limit < MESSAGES_AT_MOST else None,
        "mine": mine,
        "may_reply": handover.is_open and (mine or waiting),
        "may_translate": services_of(request).translates,
        "state_name": words.STATES[HandoverState(handover.state)],
        "reason_name": words.REASONS[Reason(handover.reason)],
        "file_states": words.FILES,
    }


def _list(
    session: Session, services: ConsoleServices, account: Account, query: _ListQuery
) -> dict[str, Any]:
    viewer = Viewer.of(account)
    now = services.clock()
    found = inbox.rows(session, viewer, query.filter, now=now, before=query.before)
    shown = found[:PAGE_SIZE]
    older = shown[-1].handover.id if len(found) > PAGE_SIZE else None
    return {
        "rows": shown,
        "views": words.VIEWS,
        "counts": inbox.counts(session, viewer, now=now),
        "wanted": query.filter,
        "address": query.address(),
        "view_address": {view: query.address(view=view.value) for view in View},
        "unread": len(inbox.unread_counts(session, viewer)),
        "older": query.address(before=str(older)) if older else None,
        "cut": older is not None and query.filter.view is not View.CLOSED,
        "reasons": words.REASONS,
        "states": words.STATES,
    }


def _filters(session: Session) -> dict[str, Any]:
    return {
        "queues": session.scalars(select(Queue).order_by(Queue.name)).all(),
        "known_labels": inbox.known_labels(session),
        "filter_languages": REPLY_LANGUAGES,
    }


def _side(session: Session, account: Account, handover: Handover) -> dict[str, Any]:
    viewer = Viewer.of(account)
    contact_id = handover.conversation.identity.contact_id
    return {
        "labels": labels(session, handover.id),
        # What the city's counsellors noted about a person is not the partners'.
        "facts": None if viewer.bounded else _facts(session, contact_id),
        "earlier": [
            other
            for other in session.scalars(
                select(Handover)
                .where(
                    Handover.conversation_id == handover.conversation_id,
                    Handover.id != handover.id,
                )
                .order_by(Handover.id.desc())
                .limit(20)
            )
            if viewer.may_see(other)
        ],
        "colleagues": [
            colleague
            for colleague in accounts.all_accounts(session)
            if colleague.active
            and colleague.role in COUNSELLORS
            and Viewer.of(colleague).may_see(handover)
            and (not viewer.bounded or _same_organization(colleague, account))
        ],
        "outcomes": words.CHOSEN_OUTCOMES,
    }


def _same_organization(one: Account, other: Account) -> bool:
    return one.organization_id is not None and one.organization_id == other.organization_id


def _facts(session: Session, contact_id: str) -> list[ContactFact]:
    query = select(ContactFact).where(ContactFact.contact_id == contact_id)
    return list(session.scalars(query.order_by(ContactFact.name)))
