"""Reading a counsellor's other calendar from an address somebody typed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy import select

from bot.booking import busy_times
from bot.booking.availability import free_slots
from bot.booking.busy_fetch import MAXIMUM_BYTES, Fetcher, FetchRefusedError, cleaned
from bot.booking.models import BusySource, BusyTime, CounsellorCalendar
from bot.db.session import Database
from tests.support.booking import BERLIN, berlin, new_calendar, new_service

NOW = berlin(2026, 11, 16, 8)
PUBLIC = "93.184.216.34"

CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//
BEGIN:VEVENT
UID:weekly
DTSTART;TZID=Europe/Berlin:20261026T090000
DTEND;TZID=Europe/Berlin:20261026T100000
RRULE:FREQ=WEEKLY;BYDAY=MO
EXDATE;TZID=Europe/Berlin:20261123T090000
SUMMARY:My doctor
END:VEVENT
BEGIN:VEVENT
UID:day
DTSTART;VALUE=DATE:20261118
DTEND;VALUE=DATE:20261119
SUMMARY:Away
END:VEVENT
BEGIN:VEVENT
UID:free
DTSTART:20261117T080000Z
DTEND:20261117T090000Z
TRANSP:TRANSPARENT
END:VEVENT
BEGIN:VEVENT
UID:gone
DTSTART:20261117T080000Z
DTEND:20261117T090000Z
STATUS:CANCELLED
END:VEVENT
BEGIN:VEVENT
UID:past
DTSTART:20200101T080000Z
DTEND:20200101T090000Z
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


def walls(times: list[tuple[datetime, datetime]]) -> list[str]:
    return [
        f"{start.astimezone(BERLIN):%d.%m. %H:%M}-{end.astimezone(BERLIN):%d.%m. %H:%M}"
        for start, end in times
    ]


def answering(respond: Callable[[httpx.Request], httpx.Response], address: str = PUBLIC) -> Fetcher:
    return Fetcher(transport=httpx.MockTransport(respond), resolve=lambda host: [address])


def test_only_when_they_are_busy_is_read() -> None:
    found = walls(busy_times.busy_intervals(CALENDAR.encode(), now=NOW))
    assert found[:3] == [
        "16.11. 09:00-16.11. 10:00",
        "18.11. 00:00-19.11. 00:00",
        "30.11. 09:00-30.11. 10:00",
    ]
    assert not any("17.11." in line for line in found)
    # Nine o'clock stays nine o'clock after the clocks have changed.
    late = busy_times.busy_intervals(CALENDAR.encode(), now=berlin(2027, 3, 29))
    assert walls(late)[0] == "29.03. 09:00-29.03. 10:00"


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"\xff\xfe\x00", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT", CALENDAR[:200].encode()],
)
def test_what_is_no_calendar_is_refused(content: bytes) -> None:
    with pytest.raises(FetchRefusedError):
        busy_times.busy_intervals(content, now=NOW)


def test_events_without_end_are_refused() -> None:
    rules = ("FREQ=MINUTELY", "freq=sec\r\n ondly", "FREQ=HOURLY")
    for rule in rules:
        often = CALENDAR.replace("FREQ=WEEKLY;BYDAY=MO", rule)
        with pytest.raises(FetchRefusedError, match="too_many"):
            busy_times.busy_intervals(often.encode(), now=NOW)


def test_busy_times_are_not_offered_and_stay_when_the_source_fails(database: Database) -> None:
    with database.transaction() as session:
        service = new_service(session, horizon_days=2)
        calendar = new_calendar(session, service)
        source = busy_times.add_source(session, calendar, "webcal://calendar.example/x.ics#y")
        assert busy_times.add_source(session, calendar, source.url).id == source.id
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, content=iter([CALENDAR.encode()]))

    good = answering(respond)
    assert busy_times.read_due(database, good, now=NOW) == 1
    assert busy_times.read_due(database, good, now=NOW) == 0
    # The connection goes to the address that was checked, under the name it was asked for.
    assert asked[0].url.host == PUBLIC
    assert asked[0].headers["Host"] == "calendar.example"
    assert asked[0].extensions["sni_hostname"] == "calendar.example"
    with database.transaction() as session:
        starts = [slot.starts_at for slot in free_slots(session, service, now=NOW)]
        assert berlin(2026, 11, 16, 9) not in starts
        assert berlin(2026, 11, 16, 10) in starts
        assert not any(start.astimezone(BERLIN).day == 18 for start in starts)
    bad = answering(lambda request: httpx.Response(500))
    assert busy_times.read_due(database, bad, now=NOW + timedelta(hours=1)) == 1
    with database.transaction() as session:
        assert session.get_one(BusySource, source.id).problem == "status"
        assert session.scalars(select(BusyTime)).first() is not None
        own = session.get_one(CounsellorCalendar, calendar.id)
        busy_times.remove_source(session, own, source.id)
    with database.transaction() as session:
        assert session.scalars(select(BusyTime)).first() is None


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0"),
        *("::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "100.64.0.1", "224.0.0.1"),
        *("2002:7f00:1::", "nonsense"),
    ],
)
def test_nothing_private_is_asked(address: str) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        raise AssertionError("it was asked")

    with pytest.raises(FetchRefusedError, match="private_address"):
        answering(respond, address).fetch("https://calendar.example/")


def test_a_redirect_is_checked_like_any_address() -> None:
    hosts = {"calendar.example": [PUBLIC], "inside.example": ["10.0.0.1"]}

    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"Location": "https://inside.example/"})

    fetcher = Fetcher(transport=httpx.MockTransport(respond), resolve=lambda host: hosts[host])
    with pytest.raises(FetchRefusedError, match="private_address"):
        fetcher.fetch("https://calendar.example/")
    loop = answering(lambda request: httpx.Response(302, headers={"Location": "/again"}))
    with pytest.raises(FetchRefusedError, match="redirects"):
        loop.fetch("https://calendar.example/")
    plain = answering(
        lambda request: httpx.Response(302, headers={"Location": "http://calendar.example/"})
    )
    with pytest.raises(FetchRefusedError, match="address"):
        plain.fetch("https://calendar.example/")


def test_a_file_without_end_is_cut_off() -> None:
    def endless() -> Iterator[bytes]:
        read = 0
        while read <= MAXIMUM_BYTES + 1_000_000:
            read += 100_000
            yield b"x" * 100_000
        raise AssertionError("it was read to its end")

    fetcher = answering(lambda request: httpx.Response(200, content=endless()))
    with pytest.raises(FetchRefusedError, match="too_large"):
        fetcher.fetch("https://calendar.example/")


@pytest.mark.parametrize(
    "url",
    [
        *("", "x", "http://a.example/", "ftp://a.example", "file:///etc/passwd", "https://"),
        *("https://user:pw@a.example/", "https://a.example:8080/", "https://a b/"),
        *("https://[::1", "javascript:alert(1)", "https://a.example/" + "x" * 1000),
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(FetchRefusedError, match="address"):
        cleaned(url)
