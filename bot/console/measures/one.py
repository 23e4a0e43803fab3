"""One measure: its facts, texts and previews, what was checked, its status and its history.

Partners see and change the rows of their own organization only; any other row does not
exist for them.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.console.measures import forms, own, rows_together, said
from bot.console.measures.forms import FactsForm, TextsForm
from bot.console.measures.routes import Editor
from bot.console.measures.words import (
    KIND_NAMES,
    LABELS,
    STATE_NAMES,
    STATUS_NAMES,
    language_names,
    title_of,
)
from bot.console.pages import redirect, render, texts_of
from bot.console.services import ConsoleServices, Services
from bot.counsellors.models import Role
from bot.errors import IllegalMoveError, NotFoundError
from bot.i18n.languages import REPLY_LANGUAGES
from bot.measures import editing, overview
from bot.measures.editing import ChangedMeanwhileError
from bot.measures.fields import TEXT_FIELDS, Fields, as_text
from bot.measures.hsds.render import main_language
from bot.measures.models import Measure, Status, TextState
from bot.measures.presentation import card

router = APIRouter(prefix="/measures/{measure_id}")


@router.get("")
def edit(request: Request, services: Services, account: Editor, measure_id: str) -> Response:
    """The facts of one measure."""
    with services.database.reading() as session:
        measure = own.measure(session, account, measure_id)
        fields = editing.fields_of(session, measure_id)
        return _facts_page(
            request, services, session, measure, fields, forms.form_of(fields, measure.revision)
        )


@router.post("")
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
        measure = own.measure(session, account, measure_id)
        old = editing.fields_of(session, measure_id)
        values, wrong = forms.facts(form, old, measure_id, today=now.date())
        clash: tuple[str, ...] = ()
        if not wrong:
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


@router.get("/texts/{language}")
def edit_texts(
    request: Request, services: Services, account: Editor, measure_id: str, language: str
) -> Response:
    """The texts in a language beside the original."""
    with services.database.reading() as session:
        measure = own.measure(session, account, measure_id)
        fields = editing.fields_of(session, measure_id)
    known = f"text.{language}.title" in fields
    form = TextsForm(
        revision=measure.revision,
        **{name: fields.get(f"text.{language}.{name}", "") for name in TEXT_FIELDS},
        state=fields[f"text.{language}.state"] if known else TextState.REVIEWED.value,
    )
    return _texts_page(request, services, measure, fields, language, form)


@router.post("/texts/{language}")
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
        measure = own.measure(session, account, measure_id)
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


@router.post("/checked")
def checked(services: Services, account: Editor, measure_id: str) -> Response:
    """Notes that the facts were checked today."""
    now = services.clock()
    with services.database.transaction() as session:
        own.measure(session, account, measure_id)
        editing.mark_checked(session, measure_id, today=now.date(), by=account.name, now=now)
    return redirect(f"/measures/{measure_id}", notice="saved")


@router.post("/status")
def change_status(
    services: Services,
    account: Editor,
    measure_id: str,
    status: Annotated[Status, Form()],
) -> Response:
    """Publishes, archives or takes back; partners' rows are published by the city."""
    with services.database.transaction() as session:
        own.measure(session, account, measure_id)
        if account.role is Role.PARTNER and status is Status.PUBLISHED:
            raise IllegalMoveError("The city publishes the rows of partners.")
        editing.set_status(session, measure_id, status, by=account.name, now=services.clock())
    return redirect(f"/measures/{measure_id}", notice="saved")


@router.get("/history")
def history(request: Request, services: Services, account: Editor, measure_id: str) -> Response:
    """Who changed what and when."""
    with services.database.reading() as session:
        measure = own.measure(session, account, measure_id)
        steps = editing.history(session, measure_id)
        changes = [change for step in steps for change in step.changes]
        in_words = said.history(session, changes, texts_of(request))
    return render(
        request,
        "measures/history.html",
        measure=measure,
        title=title_of(measure),
        steps=steps,
        field_names=said.FIELD_NAMES,
        in_words=in_words,
    )


@router.post("/undo/{batch}")
def undo(services: Services, account: Editor, measure_id: str, batch: str) -> Response:
    """Takes one step back."""
    with services.database.transaction() as session:
        own.measure(session, account, measure_id)
        editing.undo(session, measure_id, batch, by=account.name, now=services.clock())
    return redirect(f"/measures/{measure_id}/history", notice="saved")


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
    known = rows_together.stored(session, fields)
    times, places = said.in_words(rows_together.shown(known), texts_of(request), known)
    return render(
        request,
        "measures/edit.html",
        status=409 if clash else 422 if wrong else 200,
        measure=measure,
        title=title_of(measure),
        form=form,
        wrong=wrong or {},
        clash={name: as_text(getattr(shown, name, fields.get(name))) for name in clash},
        lists=forms.LISTS,
        term_names=forms.TERM_NAMES,
        times=times,
        places=places,
        statuses=STATUS_NAMES,
        kinds=KIND_NAMES,
        states=STATE_NAMES,
        translations={text.language: text.state for text in measure.texts},
        reply_language_names=language_names(request),
        similar=overview.similar(session, measure),
        title_of=title_of,
        cards={
            code: card(
                measure,
                services.catalogues.get(code),
                today=today,
                short=False,
                stale_after=services.stale_after,
            )
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
        title=title_of(measure),
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
        reply_language_names=language_names(request),
    )
