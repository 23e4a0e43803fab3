"""The desk in the browser: what counsellors see and do, and what reaches the newcomer."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.booking.models import Appointment
from bot.conversations import inbox
from bot.conversations.models import Author, Conversation, ConversationState, OutboxMessage
from bot.counsellors import audit
from bot.counsellors.models import Account, Role
from bot.db.session import Database
from bot.handover import service, translation
from bot.handover.journal import Actor
from bot.handover.models import ContactFact, HandoverState, Outcome, Queue
from bot.messages import Kind
from bot.privacy.service import forget_contents
from tests.conftest import Clock
from tests.support.booking import new_calendar, new_service
from tests.support.builders import incoming
from tests.support.console import CATALOGUES, Console, console_services, new_account
from tests.support.handovers import handed_over, handover, wrote
from tests.support.measures import new_measure


@pytest.fixture(params=["sqlite", "postgres"])
def both(request: pytest.FixtureRequest, clock: Clock) -> Console:
    return Console(console_services(request.getfixturevalue(request.param), clock))


def replies(database: Database) -> list[OutboxMessage]:
    with database.reading() as session:
        return list(
            session.scalars(
                select(OutboxMessage)
                .where(OutboxMessage.author == Author.COUNSELLOR)
                .order_by(OutboxMessage.id)
            )
        )


async def test_the_whole_talk_on_both_databases(both: Console, clock: Clock) -> None:
    database = both.services.database
    account = new_account(database, clock, name="Frau Weber")
    number = handed_over(database, clock())
    browser = await both.signed_in(account)

    listed = (await browser.get("/console/inbox")).text
    assert "Мені потрібна людина" in listed
    assert "1 unread" in listed
    page = (await browser.get(f"/console/inbox/{number}")).text
    assert "request_human" in page
    assert "Ось що я знайшов." in page
    assert "1 unread" not in (await browser.get("/console/inbox")).text

    await browser.submit(f"/console/inbox/{number}/claim")
    await browser.submit(f"/console/inbox/{number}/canned", {"answer": "child_age"})
    await browser.submit(f"/console/inbox/{number}/note", {"text": "ruft morgen an"})
    await browser.submit(f"/console/inbox/{number}/labels", {"labels": "Wohnen, Familie,, "})
    await browser.submit(f"/console/inbox/{number}/facts", {"name": "Telefon", "value": "0711"})
    page = (await browser.get(f"/console/inbox/{number}")).text
    await browser.submit(f"/console/inbox/{number}/close", {"outcome": "referred"})

    asked = CATALOGUES["uk"].gettext("How old is your child?")
    assert [(row.content["text"], row.content["language"]) for row in replies(database)] == [
        (asked, "uk")
    ]
    for shown in ("ruft morgen an", "Familie, Wohnen", "0711", "Frau Weber"):
        assert shown in page
    closed = handover(database, number)
    assert (closed.state, closed.outcome) == (HandoverState.CLOSED, Outcome.REFERRED)
    assert closed.conversation.state is ConversationState.BOT


async def test_a_form_that_arrives_twice_is_carried_out_once(
    console: Console, counsellor: Account, sqlite: Database, clock: Clock
) -> None:
    number = handed_over(sqlite, clock())
    browser = await console.signed_in(counsellor)
    page = (await browser.get(f"/console/inbox/{number}")).text
    key = re.findall(r'name="key" value="([^"]+)"', page)[0]

    for _ in range(2):
        form = {"text": "Guten Tag", "key": key}
        assert (await browser.submit(f"/console/inbox/{number}/reply", form)).status_code == 303

    assert [row.content["text"] for row in replies(sqlite)] == ["Guten Tag"]


async def test_a_reply_by_htmx_comes_back_as_the_thread(
    console: Console, counsellor: Account, sqlite: Database, clock: Clock
) -> None:
    number = handed_over(sqlite, clock())
    browser = await console.signed_in(counsellor)
    headers = {"HX-Request": "true", "X-CSRF-Token": await browser.form_token()}

    answer = await browser.post(
        f"/console/inbox/{number}/reply", data={"text": "Zeile 1\r\nZeile 2"}, headers=headers
    )

    assert answer.status_code == 200
    assert answer.text.startswith('<div id="thread"')
    assert replies(sqlite)[0].content["text"] == "Zeile 1\nZeile 2"
    assert handover(sqlite, number).state == HandoverState.FOR_NEWCOMER


async def test_a_reply_waits_for_its_translation_where_there_is_a_translator(
    console: Console, counsellor: Account, sqlite: Database, clock: Clock
) -> None:
    number = handed_over(sqlite, clock())
    form = {"text": "Kommen Sie am Montag.", "translate": "yes"}
    plain = await console.signed_in(counsellor)
    assert 'name="translate"' not in (await plain.get(f"/console/inbox/{number}")).text
    translating = Console(console_services(sqlite, clock, translates=True))
    browser = await translating.signed_in(counsellor)
    assert 'name="translate"' in (await browser.get(f"/console/inbox/{number}")).text

    await browser.submit(f"/console/inbox/{number}/reply", form)

    assert replies(sqlite) == []
    assert "Kommen Sie am Montag." in (await browser.get(f"/console/inbox/{number}")).text
    with sqlite.reading() as session:
        [task] = translation.due(session, desk_language="de", now=clock())
    assert (task.is_reply, task.text) == (True, "Kommen Sie am Montag.")
    assert (
        await browser.submit(f"/console/inbox/{number}/reply", {"text": " ", "translate": "yes"})
    ).status_code == 409
    await browser.submit(f"/console/inbox/{number}/claim")
    await browser.submit(f"/console/inbox/{number}/close", {"outcome": "referred"})
    assert (await browser.submit(f"/console/inbox/{number}/reply", form)).status_code == 409


async def test_a_colleague_is_not_talked_over(
    console: Console, counsellor: Account, sqlite: Database, clock: Clock
) -> None:
    number = handed_over(sqlite, clock())
    other = new_account(sqlite, clock, email="other@example.org", name="Herr Yilmaz")
    mine, theirs = await console.signed_in(counsellor), await console.signed_in(other)
    await mine.submit(f"/console/inbox/{number}/claim")

    refused = [
        await theirs.submit(f"/console/inbox/{number}/{path}", form)
        for path, form in (
            ("claim", {}),
            ("reply", {"text": "hello"}),
            ("canned", {"answer": "greeting"}),
            ("close", {}),
            ("snooze", {"until": "hour"}),
        )
    ]
    assert [answer.status_code for answer in refused] == [409] * 5
    assert replies(sqlite) == []

    await theirs.submit(f"/console/inbox/{number}/assign")
    assert handover(sqlite, number).claimed_by == "Herr Yilmaz"
    assert (await mine.submit(f"/console/inbox/{number}/reply", {"text": "x"})).status_code == 409


@pytest.mark.parametrize("text", ["", "   ", "x" * 8_001])
async def test_what_cannot_be_sent_is_refused(
    console: Console, counsellor: Account, sqlite: Database, clock: Clock, text: str
) -> None:
    number = handed_over(sqlite, clock())
    browser = await console.signed_in(counsellor)

    answer = await browser.submit(f"/console/inbox/{number}/reply", {"text": text})

    assert answer.status_code == 409
    assert replies(sqlite) == []
    assert handover(sqlite, number).state == HandoverState.WAITING


async def test_transferred_it_waits_in_the_queue_and_snoozed_it_comes_back(
    console: Console, counsellor: Account, sqlite: Database, clock: Clock
) -> None:
    number = handed_over(sqlite, clock())
    with sqlite.transaction() as session:
        session.add(Queue(id=1, name="Wohnen"))
    browser = await console.signed_in(counsellor)

    await browser.submit(f"/console/inbox/{number}/claim")
    await browser.submit(f"/console/inbox/{number}/transfer", {"queue": "1"})
    assert "Мені потрібна" in (await browser.get("/console/inbox?view=waiting&queue=1")).text
    assert (
        await browser.submit(f"/console/inbox/{number}/transfer", {"queue": "9"})
    ).status_code == 404

    await browser.submit(f"/console/inbox/{number}/snooze", {"until": "tomorrow"})
    assert "Мені потрібна" not in (await browser.get("/console/inbox")).text
    assert "Мені потрібна" in (await browser.get("/console/inbox?view=snoozed")).text
    # 23 November 2026, 10:00 in Stuttgart; the next morning is at 8:00 there.
    assert handover(sqlite, number).snoozed_until == clock() + timedelta(hours=22)


async def test_the_list_is_filtered_and_urgent_ones_stand_first(
    console: Console, counsellor: Account, sqlite: Database, clock: Clock
) -> None:
    first = handed_over(sqlite, clock(), address="a", text="first", language="en")
    clock.advance(60)
    urgent = handed_over(sqlite, clock(), address="b", text="urgent", language="ar", urgent=True)
    with sqlite.transaction() as session:
        service.label(session, first, names=["home"], by=Actor(name="x"), now=clock())
    browser = await console.signed_in(counsellor)

    async def lines(query: str) -> list[int]:
        page = (await browser.get(f"/console/inbox?{query}")).text
        return [int(number) for number in re.findall(r'data-line="(\d+)"', page)]

    assert await lines("") == [urgent, first]
    assert await lines("language=en") == [first]
    assert await lines("label=home") == [first]
    assert await lines("view=mine") == []
    assert (await browser.get("/console/inbox?view=nonsense")).status_code == 422


async def test_search_finds_what_newcomers_counsellors_and_notes_said(
    both: Console, clock: Clock
) -> None:
    database = both.services.database
    number = handed_over(database, clock(), text="Шукаю квартиру", language="uk")
    account = new_account(database, clock)
    browser = await both.signed_in(account)
    await browser.submit(
        f"/console/inbox/{number}/reply", {"text": "Wohnberechtigungsschein für Sie"}
    )
    await browser.submit(f"/console/inbox/{number}/note", {"text": "100 % sicher"})

    async def found(words: str) -> int:
        page = (await browser.get("/console/inbox/search", params={"words": words})).text
        return page.count('class="line"')

    assert await found("квартиру") == 1
    assert await found("Квартиру") == 1
    assert await found("wohnberechtigungsschein") == 1
    assert await found("für Sie") == 1
    assert await found("100 %") == 1
    assert await found("%") == 1
    assert await found("nothing of this") == 0
    assert await found("") == 0


async def test_an_offer_is_sent_as_a_card(
    console: Console, counsellor: Account, sqlite: Database, clock: Clock
) -> None:
    with sqlite.transaction() as session:
        course = new_measure(session, title="Deutschkurs")
        session.flush()
        course_id = course.id
    number = handed_over(sqlite, clock())
    browser = await console.signed_in(counsellor)

    shown = (await browser.get(f"/console/inbox/{number}/offers")).text
    assert course_id in shown
    await browser.submit(f"/console/inbox/{number}/offers", {"measure": course_id})
    missing = await browser.submit(f"/console/inbox/{number}/offers", {"measure": "x"})

    assert len(replies(sqlite)[0].content["cards"]) == 1
    assert missing.status_code == 404


# Intruders


async def test_a_partner_sees_the_own_organization_only(
    console: Console, sqlite: Database, clock: Clock
) -> None:
    partner = new_account(sqlite, clock, Role.PARTNER)
    own = handed_over(
        sqlite, clock(), address="own", text="for us", organization_id=partner.organization_id
    )
    foreign = handed_over(sqlite, clock(), address="foreign", text="for the city")
    browser = await console.signed_in(partner)

    page = (await browser.get("/console/inbox?view=open")).text
    assert "for us" in page
    assert "for the city" not in page
    assert (await browser.get(f"/console/inbox/{own}")).status_code == 200
    for path in ("", "/thread", "/canned", "/offers", "/files/1"):
        assert (await browser.get(f"/console/inbox/{foreign}{path}")).status_code == 404, path
    forms = {
        "claim": {},
        "assign": {},
        "transfer": {},
        "snooze": {},
        "close": {},
        "reopen": {},
        "reply": {"text": "x"},
        "canned": {"answer": "greeting"},
        "offers": {"measure": "x"},
        "note": {"text": "x"},
        "labels": {"labels": "x"},
        "facts": {"name": "x", "value": "x"},
        "typing": {},
    }
    for path, form in forms.items():
        answer = await browser.submit(f"/console/inbox/{foreign}/{path}", form)
        assert answer.status_code == 404, path
    found = (await browser.get("/console/inbox/search?words=city")).text
    assert 'class="line"' not in found
    assert (await browser.get("/console/inbox/unread")).json() == {
        "conversations": 0,
        "messages": 0,
    }
    assert handover(sqlite, foreign).state == HandoverState.WAITING


async def test_a_partner_without_organization_sees_nothing(
    console: Console, sqlite: Database, clock: Clock
) -> None:
    partner = new_account(sqlite, clock, Role.PARTNER)
    number = handed_over(sqlite, clock(), text="of nobody")
    with sqlite.transaction() as session:
        session.get_one(Account, partner.id).organization_id = None
    browser = await console.signed_in(partner)

    assert "of nobody" not in (await browser.get("/console/inbox?view=open")).text
    assert (await browser.get(f"/console/inbox/{number}")).status_code == 404


async def test_a_partner_does_not_read_what_was_said_to_the_city(
    console: Console, sqlite: Database, clock: Clock
) -> None:
    partner = new_account(sqlite, clock, Role.PARTNER)
    city = handed_over(sqlite, clock(), text="secret for the city")
    with sqlite.transaction() as session:
        clock.advance(60)
        service.note(session, city, text="secret note", by=Actor(name="x"), now=clock())
        service.close(session, city, by=Actor(name="x"), catalogues=CATALOGUES, now=clock())
    clock.advance(60)
    own = handed_over(sqlite, clock(), text="now for you", organization_id=partner.organization_id)
    clock.advance(60)
    browser = await console.signed_in(partner)

    page = (await browser.get(f"/console/inbox/{own}")).text

    assert "now for you" in page
    assert "secret" not in page
    assert f"/console/inbox/{city}" not in page
    found = (await browser.get("/console/inbox/search?words=secret")).text
    assert 'class="line"' not in found


HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">"\' {{7*7}}'


async def test_hostile_texts_never_become_markup(
    console: Console, sqlite: Database, clock: Clock
) -> None:
    account = new_account(sqlite, clock, Role.ADMIN, name=HOSTILE)
    number = handed_over(sqlite, clock(), text=HOSTILE)
    wrote(sqlite, clock(), text=HOSTILE)
    browser = await console.signed_in(account)
    await browser.submit(f"/console/inbox/{number}/claim")
    for path, form in {
        "note": {"text": HOSTILE},
        "labels": {"labels": HOSTILE},
        "facts": {"name": HOSTILE, "value": HOSTILE},
        "reply": {"text": HOSTILE},
    }.items():
        assert (await browser.submit(f"/console/inbox/{number}/{path}", form)).status_code == 303
    pages = (f"inbox/{number}", "inbox?view=mine", "inbox/search?words=alert", "users", "audit")

    for path in pages:
        page = (await browser.get(f"/console/{path}")).text
        assert "alert(1)" in page, path
        assert "<script>alert" not in page, path
        assert "<img src=x" not in page, path
        assert "49" not in re.findall(r"&#39; (\S+)", page), path


async def test_guessed_numbers_lead_nowhere(console: Console, counsellor: Account) -> None:
    browser = await console.signed_in(counsellor)

    for number in ("1", "0", "-1", "999999999999999999999", "x", "1%00"):
        assert (await browser.get(f"/console/inbox/{number}")).status_code in (404, 422), number


async def test_forgetting_a_person_takes_what_counsellors_noted(
    console: Console, counsellor: Account, sqlite: Database, clock: Clock
) -> None:
    number = handed_over(sqlite, clock())
    browser = await console.signed_in(counsellor)
    await browser.submit(f"/console/inbox/{number}/facts", {"name": "Telefon", "value": "0711"})
    await browser.submit(f"/console/inbox/{number}/note", {"text": "private"})

    with sqlite.transaction() as session:
        conversation = session.scalars(select(Conversation)).one()
        forget_contents(session, conversation, now=clock())

    with sqlite.reading() as session:
        assert session.scalars(select(ContactFact)).all() == []
        words = [str(entry.details) for entry in audit.entries(session, limit=100)]
    assert "private" not in " ".join(words)
    assert (await browser.get(f"/console/inbox/{number}")).status_code == 404


async def test_a_time_offered_and_pressed_is_booked_and_confirmed(
    both: Console, clock: Clock
) -> None:
    database = both.services.database
    with database.transaction() as session:
        service = new_service(session)
        new_calendar(session, service)
        session.flush()
        service_key = service.key
    number = handed_over(database, clock())
    browser = await both.signed_in(new_account(database, clock))
    shown = (await browser.get(f"/console/inbox/{number}/slots")).text
    times = re.findall(r'name="slot" value="([^"]+)"', shown)

    offered = {"service": service_key, "slot": times[1:3]}
    assert (await browser.submit(f"/console/inbox/{number}/slots", offered)).status_code == 303
    [offer] = replies(database)
    key = offer.content["buttons"][1]["key"]
    with database.transaction() as session:
        pressed = incoming("", kind=Kind.BUTTON, button_key=key)
        inbox.record(session, [pressed], now=clock())
    assert "Book this time" in (await browser.get(f"/console/inbox/{number}")).text
    booked = await browser.submit(f"/console/inbox/{number}/book", {"button": key})
    again = await browser.submit(f"/console/inbox/{number}/book", {"button": key})
    other = offer.content["buttons"][0]["key"]
    second = await browser.submit(f"/console/inbox/{number}/book", {"button": other})
    guessed = await browser.submit(f"/console/inbox/{number}/book", {"button": "guessed"})
    empty = await browser.submit(f"/console/inbox/{number}/slots", {"service": service_key})
    strange = {"service": service_key, "slot": ["2026-01-01|x|1"]}
    unread = await browser.submit(f"/console/inbox/{number}/slots", strange)

    assert booked.headers["Location"].endswith("notice=booked")
    assert again.headers["Location"].endswith("notice=slot-taken")
    assert second.headers["Location"].endswith("notice=booked-already")
    assert (guessed.status_code, empty.status_code, unread.status_code) == (404, 404, 404)
    with database.reading() as session:
        appointment = session.scalars(
            select(Appointment).where(Appointment.state == "booked")
        ).one()
        assert appointment.starts_at.isoformat() == times[2].split("|")[0]
        assert appointment.contact_id is not None
    confirmation = replies(database)[-1].content
    assert confirmation["cards"][0]["title"]
