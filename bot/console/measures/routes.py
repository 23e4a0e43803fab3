"""Editors' pages: the list, the facts, the texts, previews, what is stale, history.

Partners see and change the rows of their own organization only; any other row does not
exist for them.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.console import access
from bot.console.measures import forms
from bot.console.measures.forms import FactsForm, TextsForm
from bot.console.pages import NavItem, redirect, render, texts_of
from bot.console.services import ConsoleServices, Services
from bot.counsellors.models import Account, Role
from bot.errors import IllegalMoveError, NotFoundError
from bot.i18n.languages import REPLY_LANGUAGES
from bot.i18n.texts import source_text
from bot.measures import editing, overview, shared_rows
from bot.measures.editing import ChangedMeanwhileError
from bot.measures.fields import TEXT_FIELDS, Fields, as_text
from bot.measures.hsds.render import main_language
from bot.measures.importers import readings
from bot.measures.models import CorrectionState, Kind, Measure, Status, TextState
from bot.measures.overview import PAGE, Wanted
from bot.measures.presentation import card

NAVIGATION = NavItem(
    path="/console/measures",
    label=source_text("Offers"),
    icon="book",
    roles=frozenset({Role.EDITOR, Role.PARTNER, Role.ADMIN}),
)
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
    wanted = Wanted(words=q, topic=topic, status=status, kind=kind, organization_id=_own(account))
    with services.database.reading() as session:
        found = overview.find(session, wanted, page=page)
        hints = len(overview.open_corrections(session, organization_id=_own(account)))
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
            organization_id=_own(account),
            page=page,
        )
        hints = len(overview.open_corrections(session, organization_id=_own(account)))
    return _list(request, services, found, page, wanted=None, hints=hints)


@router.get("/corrections")
def corrections(request: Request, services: Services, account: Editor) -> Response:
    """Hints from the chat that something is wrong."""
    with services.database.reading() as session:
        found = overview.open_corrections(session, organization_id=_own(account))
        measures = {
            measure.id: measure
            for measure in session.scalars(
                select(Measure).where(Measure.id.in_([hint.measure_id for hint in found]))
            ).unique()
        }
    return render(
        request, "measures/corrections.html", hints=found, measures=measures, title_of=_title
    )


@router.post("/corrections/{correction_id}")
def close_correction(
    services: Services,
    account: Editor,
    correction_id: int,
    state: Annotated[CorrectionState, Form()],
) -> Response:
    """Notes that a hint was followed, or that it was not right."""
    with services.database.transaction() as session:
        own = [
            hint.id for hint in overview.open_corrections(session, organization_id=_own(account))
        ]
        if correction_id not in own and _own(account) is not None:
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


@router.get("/{measure_id}")
def edit(request: Request, services: Services, account: Editor, measure_id: str) -> Response:
    """The facts of one measure."""
    with services.database.reading() as session:
        measure = _measure(session, account, measure_id)
        fields = editing.fields_of(session, measure_id)
        return _facts_page(
            request, services, session, measure, fields, forms.form_of(fields, measure.revision)
        )


@router.post("/{measure_id}")
def save(
    request: Request,
    services: Services,
    account: Editor,
    measure_id: str,
    form: Annotated[FactsForm, Form()],
) -> Response:
    """Saves the facts; says what is wrong, or what somebody else wrote meanwhile."""
    now = services.clock()
    with services.database.transaction() as session:
        measure = _measure(session, account, measure_id)
        old = editing.fields_of(session, measure_id)
        values, wrong = forms.facts(form, old, measure_id, today=now.date())
        clash: tuple[str, ...] = ()
        if not wrong:
            _write_place(session, old, values, measure_id)
            try:
                editing.save(
                    session, measure_id, values, revision=form.revision, by=account.name, now=now
                )
            except ChangedMeanwhileError as error:
                clash = error.names
        if wrong or clash:
            # Saving once more is then a decision taken in full knowledge.
            form.revision = measure.revision
            return _facts_page(
                request, services, session, measure, old, form, wrong=wrong, clash=clash
            )
    return redirect(f"/measures/{measure_id}", notice="saved")


@router.get("/{measure_id}/texts/{language}")
def edit_texts(
    request: Request, services: Services, account: Editor, measure_id: str, language: str
) -> Response:
    """The texts in a language beside the original."""
    with services.database.reading() as session:
        measure = _measure(session, account, measure_id)
        fields = editing.fields_of(session, measure_id)
    known = f"text.{language}.title" in fields
    form = TextsForm(
        revision=measure.revision,
        **{name: fields.get(f"text.{language}.{name}", "") for name in TEXT_FIELDS},
        state=fields[f"text.{language}.state"] if known else TextState.REVIEWED.value,
    )
    return _texts_page(request, services, measure, fields, language, form)


@router.post("/{measure_id}/texts/{language}")
def save_texts(
    request: Request,
    services: Services,
    account: Editor,
    measure_id: str,
    language: str,
    form: Annotated[TextsForm, Form()],
) -> Response:
    """Saves the texts of a language."""
    with services.database.transaction() as session:
        measure = _measure(session, account, measure_id)
        fields = editing.fields_of(session, measure_id)
        if language not in REPLY_LANGUAGES:
            raise NotFoundError("There is no such language.")
        values, wrong = forms.texts(form, language)
        clash: tuple[str, ...] = ()
        if not wrong:
            try:
                editing.save(
                    session,
                    measure_id,
                    values,
                    revision=form.revision,
                    by=account.name,
                    now=services.clock(),
                )
            except ChangedMeanwhileError as error:
                clash = tuple(name.split(".")[-1] for name in error.names)
        if wrong or clash:
            form.revision = measure.revision
            return _texts_page(
                request, services, measure, fields, language, form, wrong=wrong, clash=clash
            )
    return redirect(f"/measures/{measure_id}/texts/{language}", notice="saved")


@router.post("/{measure_id}/checked")
def checked(services: Services, account: Editor, measure_id: str) -> Response:
    """Notes that the facts were checked today."""
    now = services.clock()
    with services.database.transaction() as session:
        _measure(session, account, measure_id)
        editing.mark_checked(session, measure_id, today=now.date(), by=account.name, now=now)
    return redirect(f"/measures/{measure_id}", notice="saved")


@router.post("/{measure_id}/status")
def change_status(
    services: Services,
    account: Editor,
    measure_id: str,
    status: Annotated[Status, Form()],
) -> Response:
    """Publishes, archives or takes back; partners' rows are published by the city."""
    with services.database.transaction() as session:
        _measure(session, account, measure_id)
        if account.role is Role.PARTNER and status is Status.PUBLISHED:
            raise IllegalMoveError("The city publishes the rows of partners.")
        editing.set_status(session, measure_id, status, by=account.name, now=services.clock())
    return redirect(f"/measures/{measure_id}", notice="saved")


@router.get("/{measure_id}/history")
def history(request: Request, services: Services, account: Editor, measure_id: str) -> Response:
    """Who changed what and when."""
    with services.database.reading() as session:
        measure = _measure(session, account, measure_id)
        steps = editing.history(session, measure_id)
    return render(
        request, "measures/history.html", measure=measure, title=_title(measure), steps=steps
    )


@router.post("/{measure_id}/undo/{batch}")
def undo(services: Services, account: Editor, measure_id: str, batch: str) -> Response:
    """Takes one step back."""
    with services.database.transaction() as session:
        _measure(session, account, measure_id)
        editing.undo(session, measure_id, batch, by=account.name, now=services.clock())
    return redirect(f"/measures/{measure_id}/history", notice="saved")


def _own(account: Account) -> str | None:
    """The organization to whose rows an account is limited; None for all rows."""
    if account.role is not Role.PARTNER:
        return None
    # A partner without organization, which accounts do not allow, would see nothing.
    return account.organization_id or ""


def _measure(session: Session, account: Account, measure_id: str) -> Measure:
    found = session.get(Measure, measure_id)
    own = _own(account)
    if found is None or (own is not None and found.organization_id != own):
        raise NotFoundError("There is no such measure.")
    return found


def _title(measure: Measure) -> str:
    text = measure.text("de") or measure.text("en") or next(iter(measure.texts), None)
    return text.title if text else measure.external_id


def _write_place(session: Session, old: Fields, values: Fields, measure_id: str) -> None:
    """Makes the location behind an address that was changed."""
    if all(values[name] == old[name] for name in forms.PLACE):
        return
    place = readings.place(
        values["address"], values["district"], values["postal_code"], values["city"], measure_id
    )
    values["places"] = [place["link"]] if place else []
    if place:
        shared_rows.write(session, shared_rows.LOCATIONS, [place["location"]])


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
        reply_language_names=_language_names(request),
        title_of=_title,
        stale_days=services.stale_after.days,
        due_before=services.clock().date() - services.stale_after,
    )


def _facts_page(
    request: Request,
    services: ConsoleServices,
    session: Session,
    measure: Measure,
    fields: Fields,
    form: FactsForm,
    *,
    wrong: dict[str, str] | None = None,
    clash: tuple[str, ...] = (),
) -> Response:
    shown = forms.form_of(fields, measure.revision)
    today = services.clock().date()
    return render(
        request,
        "measures/edit.html",
        status=409 if clash else 422 if wrong else 200,
        measure=measure,
        title=_title(measure),
        form=form,
        wrong=wrong or {},
        clash={name: as_text(getattr(shown, name, fields.get(name))) for name in clash},
        lists=forms.LISTS,
        term_names=forms.TERM_NAMES,
        hours_are_simple=forms.hours_text(fields["schedules"]) is not None,
        statuses=STATUS_NAMES,
        kinds=KIND_NAMES,
        states=STATE_NAMES,
        translations={text.language: text.state for text in measure.texts},
        reply_language_names=_language_names(request),
        similar=overview.similar(session, measure),
        title_of=_title,
        cards={
            code: card(measure, services.catalogues.get(code), today=today, short=False)
            for code in REPLY_LANGUAGES
        },
    )


def _texts_page(
    request: Request,
    services: ConsoleServices,
    measure: Measure,
    fields: Fields,
    language: str,
    form: TextsForm,
    *,
    wrong: dict[str, str] | None = None,
    clash: tuple[str, ...] = (),
) -> Response:
    if language not in REPLY_LANGUAGES:
        raise NotFoundError("There is no such language.")
    main = main_language(fields)
    return render(
        request,
        "measures/texts.html",
        status=409 if clash else 422 if wrong else 200,
        measure=measure,
        title=_title(measure),
        form=form,
        written=language,
        main=main,
        original={name: fields.get(f"text.{main}.{name}", "") for name in TEXT_FIELDS},
        parts=TEXT_FIELDS,
        labels=LABELS,
        wrong=wrong or {},
        clash={name: fields.get(f"text.{language}.{name}", "") for name in clash},
        states=STATE_NAMES,
        translations={text.language: text.state for text in measure.texts},
        reply_language_names=_language_names(request),
    )


def _language_names(request: Request) -> dict[str, str]:
    texts = texts_of(request)
    return {code: texts.language_name(code) for code in REPLY_LANGUAGES}


LABELS: dict[str, Any] = {
    "title": source_text("Title"),
    "description": source_text("Description"),
    "target_group": source_text("For whom"),
    "cost": source_text("Cost"),
    "eligibility": source_text("Conditions"),
    "opening_hours": source_text("Opening hours"),
    "registration": source_text("How to register"),
}
