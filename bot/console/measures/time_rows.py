"""Times of a measure as rows of a form: weekly, every second week, monthly, or one day.

A row that was not touched is kept word for word. Of one that was touched only what the
editor changed is written; rules that the form has no fields for are shown and kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta

from bot.console.measures.forms import TOO_LONG
from bot.console.measures.row_forms import (
    MAXIMUM_NOTE,
    RawRow,
    Row,
    clean_text,
    day,
    line,
)
from bot.db.base import new_id
from bot.i18n.texts import source_text
from bot.measures.fields import Json
from bot.measures.hsds.derive import DAYS
from bot.measures.hsds.names import SCHEDULE

WEEKLY, FORTNIGHTLY, MONTHLY, ONCE, OTHER, NO_DAYS = (
    *("weekly", "fortnightly", "monthly", "once", "other", ""),
)
REPEATS = {
    WEEKLY: source_text("every week"),
    FORTNIGHTLY: source_text("every second week"),
    MONTHLY: source_text("every month"),
    ONCE: source_text("once"),
    NO_DAYS: source_text("no fixed days"),
}
WHICH = {
    "1": source_text("the first"),
    "2": source_text("the second"),
    "3": source_text("the third"),
    "4": source_text("the fourth"),
    "-1": source_text("the last"),
}
TRUTH = {"yes": True, "no": False, "": None}
# Columns that make a rule; RRULE's own names.
RULE = ("freq", "interval", "count", "byday", "bymonthday", "byyearday", "byweekno", "until")
LONGEST_CLOSURE = timedelta(days=366)
MOST_CLOSED_DAYS = 1_000

NEEDS_DAYS = source_text("Choose at least one day of the week.")
NEEDS_REPEAT = source_text("Choose how often it takes place.")
NEEDS_DAY = source_text("A single date needs its day.")
NEEDS_START = source_text("Every second week counts from a first day. Please fill it in.")
NOT_A_DAY = source_text("This is not a day.")
NOT_A_TIME = source_text("This is not a time of day. Write for example 09:30.")
BOTH_TIMES = source_text("Write both times, or none.")
ENDS_EARLY = source_text(
    "The end is before the beginning. If it goes on until the next day, say so below."
)
LAST_BEFORE_FIRST = source_text("The last day is before the first one.")
NOT_CLOSED_DAYS = source_text(
    "Write days with commas between, for example: 24.12.2026, 27.12.2026-06.01.2027"
)
NOT_A_COUNT = source_text("This is not a number of dates.")
PLACE_GONE = source_text("Its place was removed. Choose where it takes place now.")


@dataclass(kw_only=True)
class TimeRow(Row):
    """One row of times. ``at`` is the key of a place row, empty for all places."""

    at: str = ""
    repeat: str = WEEKLY
    days: list[str] = field(default_factory=list)
    which: str = "1"
    opens: str = ""
    closes: str = ""
    overnight: bool = False
    first: str = ""
    last: str = ""
    count: str = ""
    closed: str = ""
    public_holidays: str = ""
    school_holidays: str = ""
    note: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether a row that was added holds nothing yet."""
        blank = TimeRow(at=self.at, repeat=self.repeat, which=self.which)
        return not self.of and self == blank


def shown(stored: Json, at: str = "") -> TimeRow:
    """A stored schedule as the form shows it."""
    repeat, days, which = _rule(stored)
    opens, closes = stored.get("opens_at", "")[:5], stored.get("closes_at", "")[:5]
    first = stored.get("valid_from") or stored.get("dtstart", "")
    return TimeRow(
        of=stored.get("hsds_id", ""),
        at=at,
        repeat=repeat,
        days=days,
        which=which,
        opens=opens,
        closes=closes,
        overnight=bool(closes) and closes != "00:00" and closes <= opens,
        first=stored["dtstart"] if repeat == ONCE else first,
        last=stored.get("valid_to") or stored.get("until", ""),
        count=str(stored.get("count", "")),
        closed=closed_text(stored.get("except_dates", ())),
        public_holidays=_yes_or_no(stored.get("on_public_holidays")),
        school_holidays=_yes_or_no(stored.get("in_school_holidays")),
        note=clean_text(stored.get("notes", "")),
    )


def sent(raw: RawRow) -> TimeRow:
    """A row as it was sent."""
    return TimeRow(
        of=line(raw, "of"),
        at=line(raw, "at"),
        repeat=line(raw, "repeat"),
        days=[code for code in DAYS if code in raw.get("days", ())],
        which=line(raw, "which") or "1",
        opens=clock_text(line(raw, "opens")),
        closes=clock_text(line(raw, "closes")),
        overnight=bool(line(raw, "overnight")),
        first=_day_text(line(raw, "first")),
        last=_day_text(line(raw, "last")),
        count=line(raw, "count"),
        closed=line(raw, "closed"),
        public_holidays=line(raw, "public_holidays"),
        school_holidays=line(raw, "school_holidays"),
        note=clean_text(raw.get("note", ("",))[0]),
    )


def check(row: TimeRow, stored: Json | None) -> None:
    """Notes in ``row.wrong`` what is wrong with a row that was touched."""
    wrong = row.wrong
    if row.repeat not in REPEATS and not (stored and shown(stored).repeat == row.repeat == OTHER):
        wrong["repeat"] = NEEDS_REPEAT
    if row.repeat in (WEEKLY, FORTNIGHTLY, MONTHLY) and not row.days:
        wrong["days"] = NEEDS_DAYS
    if not row.first and row.repeat in (ONCE, FORTNIGHTLY):
        wrong["first"] = NEEDS_DAY if row.repeat == ONCE else NEEDS_START
    _check_days(row)
    _check_hours(row)
    if row.count and not (
        row.count.isascii() and row.count.isdecimal() and 0 < int(row.count) < 10_000
    ):
        wrong["count"] = NOT_A_COUNT
    if closed_days(row.closed) is None:
        wrong["closed"] = NOT_CLOSED_DAYS
    if len(row.note) > MAXIMUM_NOTE:
        wrong["note"] = TOO_LONG


def _check_days(row: TimeRow) -> None:
    for name in ("first", "last"):
        if (written := getattr(row, name)) and day(written) is None:
            row.wrong[name] = NOT_A_DAY
    if row.first and row.last and not row.wrong.keys() & {"first", "last"} and row.last < row.first:
        row.wrong["last"] = LAST_BEFORE_FIRST


def _check_hours(row: TimeRow) -> None:
    for name in ("opens", "closes"):
        if (written := getattr(row, name)) and not _is_clock(written):
            row.wrong[name] = NOT_A_TIME
    if row.wrong.keys() & {"opens", "closes"}:
        return
    if bool(row.opens) != bool(row.closes):
        row.wrong["closes" if row.opens else "opens"] = BOTH_TIMES
    elif row.opens and row.closes <= row.opens and row.closes != "00:00" and not row.overnight:
        row.wrong["closes"] = ENDS_EARLY


def written(row: TimeRow, stored: Json | None) -> Json:
    """The schedule that a checked row asks for; ``stored`` is the one that it changes."""
    before = shown(stored, row.at) if stored else None
    schedule: dict[str, Json] = dict(stored) if stored else {"hsds_id": new_id()}

    def is_new(*names: str) -> bool:
        return before is None or any(getattr(row, n) != getattr(before, n) for n in names)

    changed: dict[str, Json] = {}
    if is_new("repeat", "days", "which"):
        changed |= _rule_columns(row, schedule)
    if is_new("repeat", "first", "last"):
        changed |= _day_columns(row, schedule)
    if is_new("opens", "closes"):
        changed["opens_at"] = f"{row.opens}:00" if row.opens else None
        changed["closes_at"] = f"{row.closes}:00" if row.closes else None
    if is_new("closed"):
        found = closed_days(row.closed) or []
        changed["except_dates"] = [one.isoformat() for one in found]
    if is_new("count"):
        changed["count"] = int(row.count) if row.count else None
    if is_new("public_holidays"):
        changed["on_public_holidays"] = TRUTH.get(row.public_holidays)
    if is_new("school_holidays"):
        changed["in_school_holidays"] = TRUTH.get(row.school_holidays)
    if is_new("note"):
        changed["notes"] = row.note
    schedule |= changed
    # What a source wrote beside a column that is written anew no longer holds.
    stale = {name for name, column in SCHEDULE.columns.items() if column in changed}
    extra = schedule.get("extra", {})
    schedule["extra"] = {name: extra[name] for name in extra.keys() - stale}
    return {name: value for name, value in schedule.items() if value not in (None, "", [], {})}


def _rule_columns(row: TimeRow, stored: Json) -> dict[str, Json]:
    if row.repeat == OTHER:
        return {}
    columns: dict[str, Json] = dict.fromkeys(RULE)
    if row.repeat in (WEEKLY, FORTNIGHTLY, MONTHLY):
        prefix = row.which if row.repeat == MONTHLY else ""
        columns["freq"] = "MONTHLY" if row.repeat == MONTHLY else "WEEKLY"
        columns["byday"] = ",".join(prefix + code for code in row.days)
        columns["interval"] = 2 if row.repeat == FORTNIGHTLY else None
        columns["count"], columns["until"] = stored.get("count"), stored.get("until")
    return columns


def _day_columns(row: TimeRow, stored: Json) -> dict[str, Json]:
    """The first day anchors a rule that counts; the last one ends it where it had an end."""
    first, last = row.first or None, row.last or None
    if row.repeat == ONCE:
        return {"dtstart": first, "valid_from": None, "valid_to": last, "until": None}
    anchored = row.repeat == FORTNIGHTLY or bool(stored.get("dtstart"))
    return {
        "dtstart": first if anchored and row.repeat != NO_DAYS else None,
        "valid_from": first,
        "valid_to": last,
        "until": last if stored.get("until") and row.repeat != NO_DAYS else None,
    }


def _rule(stored: Json) -> tuple[str, list[str], str]:
    """How often, on which days, and which of them in a month; as far as the form can say it."""
    freq = stored.get("freq", "").upper()
    parts = [part.strip().upper() for part in stored.get("byday", "").split(",") if part.strip()]
    days = [code for code in DAYS if any(part.endswith(code) for part in parts)]
    prefixes = {part[:-2].removeprefix("+") for part in parts}
    if not freq:
        return (ONCE, [], "1") if stored.get("dtstart") else (NO_DAYS, days, "1")
    special = any(stored.get(name) for name in ("bymonthday", "byyearday", "byweekno"))
    interval = stored.get("interval", 1)
    if special or len(days) != len(parts):
        return OTHER, days, "1"
    if freq == "DAILY" and interval == 1:
        return WEEKLY, days or list(DAYS), "1"
    if freq == "WEEKLY" and interval in (1, 2) and prefixes <= {""}:
        if not days and stored.get("dtstart"):
            days = [DAYS[date.fromisoformat(stored["dtstart"]).weekday()]]
        return (WEEKLY if interval == 1 else FORTNIGHTLY), days, "1"
    if freq == "MONTHLY" and interval == 1 and len(prefixes) == 1 and prefixes <= WHICH.keys():
        return MONTHLY, days, prefixes.pop()
    return OTHER, days, "1"


def rule_text(stored: Json) -> str:
    """A rule as RFC 5545 writes it, for rules that the form has no fields for."""
    return ";".join(f"{name.upper()}={stored[name]}" for name in RULE if stored.get(name))


def clock_text(value: str) -> str:
    """A time of day in the form of the field: 9, 9.30 and 24:00 are understood."""
    match = re.fullmatch(r"(\d{1,2})(?:[:.](\d{2})(?::\d{2})?)?", value)
    if match is None:
        return value
    return "00:00" if value in ("24", "24:00", "24.00") else f"{match[1]:0>2}:{match[2] or '00'}"


def _is_clock(value: str) -> bool:
    try:
        time.fromisoformat(value)
    except ValueError:
        return False
    return len(value) == len("09:30")


def _day_text(value: str) -> str:
    found = day(value)
    return found.isoformat() if found else value


def closed_days(value: str) -> list[date] | None:
    """The days of a text such as ``24.12.2026, 27.12.2026-06.01.2027``; None if not understood."""
    found: set[date] = set()
    for part in (part.strip() for part in re.split("[,;]", value) if part.strip()):
        written = part.replace("–", " ").replace("bis", " ").replace(" - ", " ").split()
        if len(written) == 1 and "." in part and "-" in part:
            written = [piece.strip() for piece in part.split("-")]
        days = [day(piece) for piece in written]
        if not 1 <= len(days) <= 2 or None in days:
            return None
        first, last = days[0], days[-1]
        if first is None or last is None or not timedelta() <= last - first <= LONGEST_CLOSURE:
            return None
        found |= {first + timedelta(days=number) for number in range((last - first).days + 1)}
        if len(found) > MOST_CLOSED_DAYS:
            return None
    return sorted(found)


def closed_text(days: Iterable[str]) -> str:
    """Days in the words that the form takes, those in a row together."""
    found = sorted({one for written in days if (one := day(written))})
    runs: list[list[date]] = []
    for one in found:
        if runs and one - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(one)
        else:
            runs.append([one])
    return ", ".join(
        f"{run[0]:%d.%m.%Y}" if len(run) == 1 else f"{run[0]:%d.%m.%Y}-{run[-1]:%d.%m.%Y}"
        for run in runs
    )


def _yes_or_no(value: bool | None) -> str:
    return {True: "yes", False: "no", None: ""}[value]


def check_places(rows: Sequence[TimeRow], keys: Iterable[str]) -> None:
    """Notes where a row takes place at a place that is no more."""
    known = {"", *keys}
    for row in rows:
        if row.at not in known:
            row.wrong["at"] = PLACE_GONE
