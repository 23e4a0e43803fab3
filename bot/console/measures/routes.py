"""Editors' lists: all offers, what is stale, hints from the chat; and making a draft.

Partners see and change the rows of their own organization only; any other row does not
exist for them.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from sqlalchemy import select
from starlette.responses import Response

from bot.console import access
from bot.console.measures import forms, own
from bot.console.measures.words import KIND_NAMES, STATUS_NAMES, language_names, title_of
from bot.console.pages import NavItem, redirect, render
from bot.console.services import ConsoleServices, Services
from bot.counsellors.models import Account, Role
from bot.errors import IllegalMoveError, NotFoundError
from bot.i18n.languages import REPLY_LANGUAGES
from bot.i18n.texts import source_text
from bot.measures import editing, overview
from bot.measures.fields import Fields
from bot.measures.models import CorrectionState, Kind, Measure, TextState
from bot.measures.overview import PAGE, Wanted

NAVIGATION = NavItem(
    path="/console/measures",
    label=source_text("Offers"),
    icon="book",
    roles=frozenset({Role.EDITOR, Role.PARTNER, Role.ADMIN}),
)

router = APIRouter(prefix="/measures")

Editor = Annotated[Account, Depends(access.require(Role.EDITOR, Role.PARTNER, Role.ADMIN))]
PageNumber = Annotated[int, Query(ge=1, le=100_000)]


@router.get("")
def show(
    request: Request,
    services: Services,
    account: Editor,
    q: Annotated[str, Query(max_length=200)] = "",
    topic: str = "",
    status: str = "",
    kind: str = "",
    page: PageNumber = 1,
) -> Response:
    """The list with search and filters."""
    wanted = Wanted(
        words=q, topic=topic, status=status, kind=kind, organization_id=own.organization(account)
    )
    with services.database.reading() as session:
        found = overview.find(session, wanted, page=page)
        hints = len(overview.open_corrections(session, organization_id=own.organization(account)))
    return _list(request, services, found, page, wanted=wanted, hints=hints)


@router.get("/stale")
def stale(request: Request, services: Services, account: Editor, page: PageNumber = 1) -> Response:
    """What was not checked for long, soonest first."""
    today = services.clock().date()
    with services.database.reading() as session:
        found = overview.stale(
            session,
            today=today,
            after=services.stale_after,
            organization_id=own.organization(account),
            page=page,
        )
        hints = len(overview.open_corrections(session, organization_id=own.organization(account)))
    return _list(request, services, found, page, wanted=None, hints=hints)


@router.get("/corrections")
def corrections(request: Request, services: Services, account: Editor) -> Response:
    """Hints from the chat that something is wrong."""
    with services.database.reading() as session:
        found = overview.open_corrections(session, organization_id=own.organization(account))
        measures = {
            measure.id: measure
            for measure in session.scalars(
                select(Measure).where(Measure.id.in_([hint.measure_id for hint in found]))
            ).unique()
        }
    return render(
        request, "measures/corrections.html", hints=found, measures=measures, title_of=title_of
    )


@router.post("/corrections/{correction_id}")
def close_correction(
    services: Services,
    account: Editor,
    correction_id: int,
    state: Annotated[CorrectionState, Form()],
) -> Response:
    """Notes that a hint was followed, or that it was not right."""
    only = own.organization(account)
    with services.database.transaction() as session:
        theirs = [hint.id for hint in overview.open_corrections(session, organization_id=only)]
        if correction_id not in theirs and only is not None:
            raise NotFoundError("There is no such hint.")
        if state is CorrectionState.OPEN:
            raise IllegalMoveError("A hint is open already.")
        editing.close_correction(
            session, correction_id, state, by=account.name, now=services.clock()
        )
    return redirect("/measures/corrections", notice="saved")


@router.post("/new")
def create(
    services: Services,
    account: Editor,
    title: Annotated[str, Form(max_length=300)] = "",
    kind: Annotated[Kind, Form()] = Kind.OFFER,
    language: Annotated[str, Form()] = "de",
) -> Response:
    """Makes a draft with a title; partners' drafts belong to their organization."""
    title = " ".join(title.replace("\x00", " ").split())
    if not title or language not in REPLY_LANGUAGES:
        raise IllegalMoveError("A measure needs a title.")
    values: Fields = {
        "kind": kind.value,
        f"text.{language}.title": title,
        f"text.{language}.state": TextState.ORIGINAL.value,
    }
    with services.database.transaction() as session:
        key = editing.create(
            session,
            values,
            organization_id=account.organization_id,
            by=account.name,
            now=services.clock(),
        )
    return redirect(f"/measures/{key}", notice="saved")


def _list(
    request: Request,
    services: ConsoleServices,
    found: overview.Listed,
    page: int,
    *,
    wanted: Wanted | None,
    hints: int,
) -> Response:
    return render(
        request,
        "measures/list.html",
        found=found,
        page=page,
        pages=max(1, -(-found.total // PAGE)),
        wanted=wanted,
        hints=hints,
        topics=forms.LISTS["topics"].terms,
        term_names=forms.TERM_NAMES,
        statuses=STATUS_NAMES,
        kinds=KIND_NAMES,
        reply_language_names=language_names(request),
        title_of=title_of,
        stale_days=services.stale_after.days,
        due_before=services.clock().date() - services.stale_after,
    )
