"""Measures the console: ``python -m benchmarks.console``; about two minutes.

A database with many past conversations, 500 open ones and 20 counsellors who all look at the list
and have a conversation open. It prints, beside their aims, how long the pages take and how soon a
new message is seen: from the commit that stores it until the part of the page that shows it has
arrived at each counsellor. ``--database`` takes an empty PostgreSQL database instead of SQLite.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from bot.conversations.models import (
    ChannelIdentity,
    Contact,
    Conversation,
    InboxMessage,
    OutboxMessage,
)
from bot.counsellors import accounts, sessions
from bot.counsellors.models import Account, Role
from bot.db import migrate
from bot.db.base import new_id
from bot.db.session import Database
from bot.handover.models import Handover, HandoverEvent
from tests.support.console import CHEAP, PASSWORD
from tests.support.handovers import wrote
from tests.support.product import free_port

COUNSELLORS = 20
OPEN = 500
BATCH = 2_000
SEEN_AIM = 1.0
PAGE_AIM = 0.150
AIMS = dict.fromkeys(("inbox, waiting", "inbox, all open", "inbox, closed"), PAGE_AIM)
LANGUAGES = ("uk", "ar", "tr", "fa", "en", "ro")
WORDS = ("Guten", "Tag", "Wohnung", "Kurs", "Kind", "Brief", "Termin", "Hilfe", "Amt", "B1")


def main() -> None:
    """Runs the measurements and prints a table; exits with 1 when an aim is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.console", description=__doc__)
    parser.add_argument("--database", default="", help="URL of an empty database")
    parser.add_argument("--past", type=int, default=100_000, help="past conversations")
    parser.add_argument("--messages", type=int, default=60, help="new messages to be seen")
    parser.add_argument("--serve", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        _serve(arguments.database, arguments.serve)
        return
    with tempfile.TemporaryDirectory(prefix="lotse-console-") as directory:
        url = arguments.database or f"sqlite:///{Path(directory) / 'console.db'}"
        database = Database(url)
        _say(f"filling the database with {arguments.past} past conversations")
        tokens = fill(database, past=arguments.past)
        with _server(url) as address:
            pages, seen = asyncio.run(_measure(database, address, tokens, arguments.messages))
        database.dispose()
    kind = "PostgreSQL" if url.startswith("postgresql") else "SQLite"
    print(f"\n{kind}, {arguments.past} past and {OPEN} open conversations, ", end="")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    print(f"{COUNSELLORS} counsellors connected, {os.cpu_count()} cores, load {load:.1f}")
    print("\n| what | median | 95 % | aim (95 %) | |")
    print("|---|---|---|---|---|")
    met = [_row(f"page {name}", times, AIMS.get(name)) for name, times in pages.items()]
    met.append(_row("a new message is seen", seen, SEEN_AIM))
    sys.exit(0 if all(met) else 1)


def _row(name: str, times: list[float], aim: float | None) -> bool:
    ordered = sorted(times)
    high = ordered[max(0, int(len(ordered) * 0.95) - 1)]
    met = aim is None or high <= aim
    middle = statistics.median(ordered)
    shown = [f"{value * 1000:.0f} ms" if value else "none" for value in (middle, high, aim)]
    print(f"| {name} | {' | '.join(shown)} | {'met' if met else 'missed'} |")
    return met


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


# The database


def fill(database: Database, *, past: int, open_: int = OPEN) -> list[str]:
    """Accounts, past and open conversations; returns the counsellors' session tokens."""
    migrate.upgrade(database)
    now = datetime.now(UTC)
    dice = random.Random(1)
    with database.transaction() as session:
        people, tokens = _counsellors(session, now)
    for start in range(0, past, BATCH):
        with database.transaction() as session:
            for offset in range(start, min(start + BATCH, past), 500):
                count = min(500, past - offset)
                _conversations(session, dice, people, now, first=offset, count=count, open_=False)
    with database.transaction() as session:
        _conversations(session, dice, people, now, first=past, count=open_, open_=True)
    with database.engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()
    return tokens


def _counsellors(session: Session, now: datetime) -> tuple[list[Account], list[str]]:
    people, tokens = [], []
    for number in range(COUNSELLORS):
        _, secret = accounts.invite(
            session,
            email=f"counsellor{number}@example.org",
            name=f"Counsellor {number}",
            role=Role.COUNSELLOR,
            actor="benchmark",
            now=now,
        )
        people.append(
            accounts.use_link(session, secret, password=PASSWORD, passwords=CHEAP, now=now)
        )
        tokens.append(sessions.begin(session, people[-1], now=now))
    return people, tokens


def _conversations(
    session: Session,
    dice: random.Random,
    people: list[Account],
    now: datetime,
    *,
    first: int,
    count: int,
    open_: bool,
) -> None:
    """Conversations of eight messages with one handover each."""
    rows: dict[type, list[dict[str, Any]]] = {
        model: []
        for model in (
            Contact,
            ChannelIdentity,
            Conversation,
            InboxMessage,
            OutboxMessage,
            Handover,
            HandoverEvent,
        )
    }
    for number in range(first, first + count):
        began = now - timedelta(minutes=dice.randint(1, 500_000 if not open_ else 300))
        conversation, identity, contact = new_id(), new_id(), new_id()
        language = dice.choice(LANGUAGES)
        waiting = open_ and number % 3 == 0
        person = people[number % len(people)]
        state = ("waiting" if waiting else "for_counsellor") if open_ else "closed"
        rows[Contact].append({"id": contact, "created_at": began})
        rows[ChannelIdentity].append(
            {"id": identity, "contact_id": contact, "channel": "web", "address": f"p{number}"}
        )
        rows[Conversation].append(
            {
                "id": conversation,
                "identity_id": identity,
                "state": ("waiting" if waiting else "with_human") if open_ else "bot",
                "language": language,
                "created_at": began,
            }
        )
        rows[Handover].append(
            {
                "id": number + 1,
                "conversation_id": conversation,
                "state": state,
                "reason": "asked",
                "urgent": open_ and number % 50 == 0,
                "language": language,
                "languages": [language],
                "requested_at": began,
                "waiting_since": began if open_ else None,
                "claimed_by": None if waiting else person.name,
                "claimed_on": None if waiting else "console",
                "claimant": None if waiting else person.id,
                "closed_at": None if open_ else began,
            }
        )
        event = {"handover_id": number + 1, "conversation_id": conversation, "at": began}
        rows[HandoverEvent].append(event | {"kind": "requested"})
        for turn in range(4):
            at = began + timedelta(seconds=20 * turn)
            rows[InboxMessage].append(
                {
                    "conversation_id": conversation,
                    "channel": "web",
                    "external_id": f"m{number}.{turn}",
                    "kind": "text",
                    "text": " ".join(dice.choices(WORDS, k=12)),
                    "language": language,
                    "state": "done",
                    "received_at": at,
                    "next_attempt_at": at,
                }
            )
            rows[OutboxMessage].append(
                {
                    "conversation_id": conversation,
                    "author": "counsellor" if turn > 1 else "bot",
                    "content": {
                        "text": " ".join(dice.choices(WORDS, k=12)),
                        "language": language,
                        "cards": [],
                        "buttons": [],
                    },
                    "state": "sent",
                    "created_at": at,
                    "next_attempt_at": at,
                }
            )
    for model, values in rows.items():
        session.execute(insert(model), values)


# The server, in a process of its own


@contextmanager
def _server(url: str) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.console", "--database", url, "--serve", str(port)]
    process = subprocess.Popen(command)
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{address}/console/sign-in", timeout=2)
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


def _serve(url: str, port: int) -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.routing import Mount

    from bot.clock import utc_now
    from bot.console.app import create_app
    from tests.support.console import console_services

    services = console_services(Database(url), utc_now, base_url=f"http://127.0.0.1:{port}")
    app = Starlette(routes=[Mount("/console", create_app(services))])
    uvicorn.run(app, port=port, log_level="error", lifespan="off", timeout_graceful_shutdown=1)


# The counsellors


async def _measure(
    database: Database, address: str, tokens: list[str], messages: int
) -> tuple[dict[str, list[float]], list[float]]:
    clients = [
        httpx.AsyncClient(base_url=address, timeout=60, cookies={"lotse_console": token})
        for token in tokens
    ]
    _say("opening pages")
    pages = await open_pages(clients[0])
    _say(f"sending {messages} messages to {len(clients)} connected counsellors")
    seen: list[float] = []
    desks = [Desk(client) for client in clients]
    streams = [asyncio.create_task(desk.follow()) for desk in desks]
    for desk in desks:
        await asyncio.wait_for(desk.ready.wait(), 30)
    for number in range(messages):
        words = f"benchmark-{number}-{new_id()[:8]}"
        committed = await asyncio.to_thread(new_message, database, words, number)
        arrivals = await asyncio.gather(*(desk.sees(words) for desk in desks))
        seen += [arrival - committed for arrival in arrivals]
        await asyncio.sleep(0.2)
    for stream in streams:
        stream.cancel()
    await asyncio.gather(*streams, return_exceptions=True)
    for client in clients:
        await client.aclose()
    return pages, seen


async def open_pages(client: httpx.AsyncClient, times_each: int = 20) -> dict[str, list[float]]:
    """Seconds that each page took, each time it was opened."""
    found: dict[str, list[float]] = {}
    for name, path in {
        "inbox, waiting": "inbox",
        "inbox, all open": "inbox?view=open",
        "inbox, closed": "inbox?view=closed",
        "conversation": "inbox/7",
        "search, a frequent word": "inbox/search?words=Wohnung",
    }.items():
        await client.get(f"/console/{path}")
        times = []
        for _ in range(times_each):
            began = time.perf_counter()
            answer = await client.get(f"/console/{path}")
            times.append(time.perf_counter() - began)
            assert answer.status_code == 200, path
        found[name] = times
    return found


def new_message(database: Database, words: str, number: int) -> float:
    """One of the waiting newcomers writes; the newest unread one stands on the list's page."""
    with database.reading() as session:
        waiting = session.execute(
            text(
                "SELECT ci.address FROM handover h JOIN conversation c ON c.id = h.conversation_id "
                "JOIN channel_identity ci ON ci.id = c.identity_id WHERE h.state = 'waiting' "
                "ORDER BY h.urgent DESC, h.waiting_since LIMIT 1 OFFSET :offset"
            ),
            {"offset": number % 40},
        ).scalar_one()
    wrote(database, datetime.now(UTC), address=waiting, text=words, language="uk")
    return time.perf_counter()


class Desk:
    """One counsellor's page: follows the events and fetches the list when something changed."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._seen: dict[str, float] = {}
        self._changed = asyncio.Condition()
        self.ready = asyncio.Event()

    async def follow(self) -> None:
        """Does what the page's script does."""
        async with self._client.stream("GET", "/console/inbox/events/stream") as stream:
            event = ""
            async for line in stream.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name == "data" and event == "ready":
                    self.ready.set()
                elif name == "data" and event == "changed" and json.loads(value)["handovers"]:
                    await self._fetch()

    async def _fetch(self) -> None:
        # The page waits this long for more changes before it fetches.
        await asyncio.sleep(0.1)
        shown = (await self._client.get("/console/inbox/list")).text
        now = time.perf_counter()
        async with self._changed:
            for words in {w for w in shown.split() if "benchmark-" in w}:
                key = words[words.index("benchmark-") :].partition("<")[0]
                self._seen.setdefault(key, now)
            self._changed.notify_all()

    async def sees(self, words: str) -> float:
        """When the page first showed the words."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(lambda: words in self._seen), 30)
        return self._seen[words]


if __name__ == "__main__":
    main()
