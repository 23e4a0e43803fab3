"""Structure read from cells of facts, where they leave no doubt; otherwise nothing.

``opening_hours`` and ``cost`` of ``data/measures.csv`` are English sentences. What is not
understood whole is not understood: half a reading would be an invention.
"""

from __future__ import annotations

import re

from bot.measures.fields import Json
from bot.measures.importers.records import stable_id

DAYS = {
    "mon": "MO",
    "tue": "TU",
    "wed": "WE",
    "thu": "TH",
    "fri": "FR",
    "sat": "SA",
    "sun": "SU",
}
ORDER = list(DAYS.values())
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_HOUR = r"(\d{1,2}):(\d{2})"
_DAYS = re.compile(rf"{_DAY}(?:\s*-\s*{_DAY})?(?:(?:, | and ){_DAY}(?:\s*-\s*{_DAY})?)*")
_HOLIDAYS = re.compile(r"(?: and|,) public holidays")
_HOURS = re.compile(rf"\s+{_HOUR}\s*-\s*{_HOUR}(?: and {_HOUR}\s*-\s*{_HOUR})?")
_CLOSED = re.compile(rf"closed {_DAY}|{_DAY} closed")
_AS_OF = re.compile(r"\s*\(as of \d{4}(?:-\d{2})?\)$")
_ALWAYS = frozenset({"any time", "24 hours", "24 hours, 365 days"})
_NUMBER = r"\+?\d[\d /()-]*\d"
_PHONE = re.compile(rf"(?:(?P<label>[A-Za-z]+) )?(?P<number>{_NUMBER})(?: \((?P<note>[^()]+)\))?")
_PER_UNIT = re.compile(r"(?P<amount>\d+(?:\.\d{1,2})?) EUR per (?P<unit>[a-z ]+)")


def schedules(text: str, owner: str) -> list[Json]:
    """Weekly rules of opening hours such as ``Mon-Fri 09:00-13:00, Sat 09:00-14:00``."""
    if text in _ALWAYS:
        return [_schedule(owner, 0, ORDER, "00:00:00", "00:00:00", holidays=True)]
    rest = _AS_OF.sub("", text)
    found: list[Json] = []
    while rest:
        rest = rest.removeprefix("additionally ")
        if closed := _CLOSED.match(rest):
            rest = rest[closed.end() :]
        elif (days := _DAYS.match(rest)) is not None:
            rest = rest[days.end() :]
            holidays = _HOLIDAYS.match(rest)
            rest = rest[holidays.end() :] if holidays else rest
            hours = _HOURS.match(rest)
            if hours is None:
                return []
            rest = rest[hours.end() :]
            parts = [part for part in hours.groups() if part is not None]
            for start in range(0, len(parts), 4):
                times = _times(parts[start : start + 4])
                if times is None:
                    return []
                found.append(
                    _schedule(
                        owner,
                        len(found),
                        _day_codes(days[0]),
                        *times,
                        holidays=True if holidays else None,
                    )
                )
        else:
            return []
        if rest and not rest.startswith((", ", "; ")):
            return []
        rest = rest[2:]
    return found


def _day_codes(written: str) -> list[str]:
    codes: set[str] = set()
    for part in re.split(", | and ", written):
        first, _, last = (piece.strip() for piece in part.partition("-"))
        start = ORDER.index(DAYS[first.lower()])
        end = ORDER.index(DAYS[last.lower()]) if last else start
        codes.update(ORDER[start : end + 1])
    return [code for code in ORDER if code in codes]


def _times(parts: list[str]) -> tuple[str, str] | None:
    numbers = [int(part) for part in parts]
    opens, closes = numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
    if not (0 <= opens < closes <= 24 * 60) or max(numbers[1], numbers[3]) > 59:
        return None
    closes %= 24 * 60
    return f"{opens // 60:02}:{opens % 60:02}:00", f"{closes // 60:02}:{closes % 60:02}:00"


def _schedule(
    owner: str, number: int, days: list[str], opens: str, closes: str, *, holidays: bool | None
) -> Json:
    values: dict[str, Json] = {
        "hsds_id": stable_id("schedule", owner, str(number)),
        "freq": "WEEKLY",
        "byday": ",".join(days),
        "opens_at": opens,
        "closes_at": closes,
    }
    if holidays is not None:
        values["on_public_holidays"] = holidays
    return values


def phones(text: str, owner: str) -> list[Json]:
    """The numbers of a cell, which stand between semicolons, with what is said of each."""
    found: list[Json] = []
    for number, part in enumerate(part.strip() for part in text.split(";") if part.strip()):
        match = _PHONE.fullmatch(part)
        values = {"hsds_id": stable_id("phone", owner, str(number)), "type": "voice"}
        if match is None:
            found.append({**values, "number": part})
            continue
        said = " ".join(words for words in (match["label"], match["note"]) if words)
        found.append(
            {**values, "number": match["number"]} | ({"description": said} if said else {})
        )
    return found


def cost_options(text: str, owner: str) -> list[Json]:
    """The price of ``free`` and of sums per unit; conditions and ranges are left to words."""
    values = {"hsds_id": stable_id("cost_option", owner), "currency": "EUR"}
    if text == "free":
        return [{**values, "amount": 0}]
    if match := _PER_UNIT.fullmatch(text):
        amount = float(match["amount"])
        return [{**values, "amount": amount, "amount_description": f"per {match['unit']}"}]
    return []


def place(address: str, district: str, postal_code: str, city: str, owner: str) -> Json | None:
    """A location with its address and the measure's link to it; None without a street."""
    if not address or not city:
        return None
    key = stable_id("location", address, postal_code, city)
    written = {
        "hsds_id": stable_id("address", key),
        "address_1": address,
        "region": district,
        "city": city,
        "postal_code": postal_code,
        "country": "DE",
    }
    return {
        "location": {
            "id": key,
            "name": address,
            "district": district,
            "addresses": [{name: value for name, value in written.items() if value}],
        },
        "link": {"hsds_id": stable_id("service_at_location", owner, key), "location_id": key},
    }
