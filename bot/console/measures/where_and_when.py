"""Where and when a measure takes place: rows that editors add, change and remove.

Nothing is stored before *Save*: the buttons that add and remove rows give the form back.
"""

from collections.abc import Mapping

from babel.dates import get_day_names
from fastapi import APIRouter, Request
from starlette.responses import Response

from bot.console.measures import own, place_rows, rows_together, said, time_rows
from bot.console.measures.place_rows import ADDRESS_MOVED
from bot.console.measures.routes import Editor
from bot.console.measures.row_forms import MAXIMUM_ROWS, Do, Sent, do
from bot.console.measures.rows_together import Rows, Stored
from bot.console.measures.words import title_of
from bot.console.pages import redirect, render, texts_of
from bot.console.services import Services
from bot.i18n.texts import Texts
from bot.measures import editing
from bot.measures.editing import ChangedMeanwhileError
from bot.measures.fields import Fields
from bot.measures.hsds.derive import DAYS
from bot.measures.hsds.render import main_language
from bot.measures.models import Measure

router = APIRouter(prefix="/measures/{measure_id}/places-and-times")


@router.get("")
def edit(request: Request, services: Services, account: Editor, measure_id: str) -> Response:
    """All times and places of one measure."""
    with services.database.reading() as session:
        measure = own.measure(session, account, measure_id)
        known = rows_together.stored(session, editing.fields_of(session, measure_id))
        return _page(request, measure, known, rows_together.shown(known), measure.revision)


@router.post("")
def save(
    request: Request, services: Services, account: Editor, measure_id: str, form: Sent
) -> Response:
    """Saves times and places, or adds or removes a row of the form."""
    asked = do(form)
    with services.database.transaction() as session:
        measure = own.measure(session, account, measure_id)
        known = rows_together.stored(session, editing.fields_of(session, measure_id))
        rows = rows_together.sent(form, known)
        revision = _number(str(form.get("revision") or ""))
        if asked.act:
            rows_together.act(rows, asked, known)
            return _page(request, measure, known, rows, revision, asked=asked)
        rows_together.check(rows, known)
        if rows.is_wrong:
            return _page(request, measure, known, rows, revision, status=422)
        try:
            with session.begin_nested():
                values = rows_together.values(session, rows, known)
                editing.save(
                    session,
                    measure_id,
                    values,
                    revision=revision,
                    by=account.name,
                    now=services.clock(),
                )
        except ChangedMeanwhileError:
            # Saving once more is then a decision taken in full knowledge.
            return _page(request, measure, known, rows, measure.revision, status=409)
    return redirect(f"/measures/{measure_id}/places-and-times", notice="saved")


def _number(written: str) -> int:
    return int(written) if written.isascii() and written.isdecimal() and len(written) < 10 else 0


def _page(
    request: Request,
    measure: Measure,
    known: Stored,
    rows: Rows,
    revision: int,
    *,
    status: int = 200,
    asked: Do | None = None,
) -> Response:
    texts = texts_of(request)
    times, places = said.in_words(rows, texts, known)
    stored = rows_together.shown(known)
    names = get_day_names("wide", locale=texts.language)
    house = [row for of in known.house if (row := known.time(of))]
    return render(
        request,
        "measures/places_and_times.html",
        status=status,
        measure=measure,
        title=title_of(measure),
        revision=revision,
        rows=rows,
        time_words=times,
        place_words=places,
        place_names=place_rows.names(rows.places),
        theirs=said.in_words(stored, texts, known) if status == 409 else None,
        clash=status == 409,
        wrong=status == 422,
        focus=_focus(rows, asked),
        repeats=_options(time_rows.REPEATS, texts),
        rules={
            of: time_rows.rule_text(schedule)
            for of, (schedule, _) in {**known.times, **known.house}.items()
            if time_rows.shown(schedule).repeat == time_rows.OTHER
        },
        which=_options(time_rows.WHICH, texts),
        weekdays={code: names[number] for number, code in enumerate(DAYS)},
        kinds=_options(place_rows.KINDS, texts),
        address_moved=ADDRESS_MOVED,
        house=said.in_words(Rows(house, stored.places), texts, known)[0] if not rows.times else [],
        said_in_texts=_hours_in_texts(known.fields),
        maximum=MAXIMUM_ROWS,
    )


def _focus(rows: Rows, asked: Do | None) -> tuple[str, int]:
    """Where to go on: the row that was added, or the button that adds, after a removal."""
    if asked is None:
        return "", -1
    found = rows.places if asked.rows == "places" else rows.times
    name = "places" if asked.rows == "places" else "times"
    return name, len(found) - 1 if asked.act == "add" else -1


def _options(names: Mapping[str, str], texts: Texts) -> list[tuple[str, str]]:
    return [(value, texts.gettext(name)) for value, name in names.items()]


def _hours_in_texts(fields: Fields) -> tuple[str, str]:
    """What the original says of the hours in words, and its language."""
    language = main_language(fields)
    return language, fields.get(f"text.{language}.opening_hours", "")
