"""Signing in and out: what works, and what intruders try."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pyotp
import pytest
from sqlalchemy import select

from bot.counsellors import accounts, audit, sessions
from bot.counsellors.models import Account, AccountLink, AccountSession, FailedSignIn, Role
from bot.db.session import Database
from tests.conftest import Clock
from tests.support.console import (
    PASSWORD,
    Browser,
    Console,
    console_services,
)

OTHER_PASSWORD = "another lighthouse, far away"


@pytest.fixture(params=["sqlite", "postgres"])
def both(request: pytest.FixtureRequest, clock: Clock) -> Console:
    return Console(console_services(request.getfixturevalue(request.param), clock))


def cookie(browser: httpx.AsyncClient) -> str:
    return browser.cookies.get("__Host-lotse-console", "")


def invited(database: Database, clock: Clock, role: Role = Role.COUNSELLOR) -> str:
    with database.transaction() as session:
        _, secret = accounts.invite(
            session,
            email="New@Example.org ",
            name="Frau Neu",
            role=role,
            actor="test",
            now=clock(),
            interface_language="en",
        )
    return secret


def actions(database: Database) -> list[str]:
    with database.reading() as session:
        return [entry.action for entry in audit.entries(session, limit=50)]


async def use(browser: Browser, secret: str, password: str = PASSWORD) -> httpx.Response:
    form = {"password": password, "repeated": password}
    return await browser.post(f"/console/invitation/{secret}", data=form)


# What works


async def test_from_invitation_to_signing_out_on_both_databases(
    both: Console, clock: Clock
) -> None:
    database = both.services.database
    secret = invited(database, clock)
    browser = both.browser()

    assert "new@example.org" in (await browser.get(f"/console/invitation/{secret}")).text
    assert (await use(browser, secret)).headers["Location"] == "/console/"
    assert (await browser.get("/console/account")).status_code == 200
    token = cookie(browser)
    assert (await browser.submit("/console/sign-out")).status_code == 303
    browser.cookies.set("__Host-lotse-console", token, domain="lotse.test", path="/")
    assert (await browser.get("/console/account")).status_code == 303
    assert (await browser.sign_in("NEW@example.org")).status_code == 303
    assert (await browser.get("/console/account")).status_code == 200

    assert actions(database)[:5] == [
        "account.signed_in",
        "account.signed_out",
        "account.signed_in",
        "account.joined",
        "account.invited",
    ]


async def test_after_signing_in_the_page_asked_for_is_shown(
    console: Console, counsellor: Account
) -> None:
    browser = console.browser()
    asked = await browser.get("/console/account?x=1")
    assert asked.headers["Location"] == "/console/sign-in?next=/console/account%3Fx%3D1"

    answer = await browser.sign_in(counsellor.email, next="/console/account?x=1")

    assert answer.headers["Location"] == "/console/account?x=1"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.test/console/",
        "//evil.test/console/",
        "/other",
        "/console/\\evil",
        "javascript:1",
    ],
)
async def test_signing_in_never_leads_to_another_site(
    console: Console, counsellor: Account, elsewhere: str
) -> None:
    answer = await console.browser().sign_in(counsellor.email, next=elsewhere)

    assert answer.headers["Location"] == "/console/"


async def test_the_cookie_is_out_of_reach(console: Console, counsellor: Account) -> None:
    given = (await console.browser().sign_in(counsellor.email)).headers["Set-Cookie"]

    assert re.fullmatch(
        r"__Host-lotse-console=[\w-]{43}; HttpOnly; Max-Age=604800; Path=/; SameSite=lax; Secure",
        given,
    )


async def test_the_language_follows_the_account(
    console: Console, counsellor: Account, sqlite: Database
) -> None:
    browser = await console.signed_in(counsellor)
    form = {"name": "Frau Weber", "interface_language": "de", "languages": ["uk", "de"]}

    await browser.submit("/console/account", form)

    page = (await browser.get("/console/account")).text
    assert '<html lang="de">' in page
    assert "Mein Konto" in page
    with sqlite.reading() as session:
        assert session.get_one(Account, counsellor.id).languages == ["de", "uk"]
    assert (await browser.submit("/console/account", {"name": " "})).status_code == 422


# Passwords and links


@pytest.mark.parametrize("password", ["short", "x" * 201, "aaaaaaaaaaaaaaaa", "new@example.org1"])
async def test_weak_passwords_are_refused_and_the_link_lives_on(
    console: Console, sqlite: Database, clock: Clock, password: str
) -> None:
    secret = invited(sqlite, clock)
    browser = console.browser()

    assert (await use(browser, secret, password)).status_code == 422
    assert (await use(browser, secret)).status_code == 303


async def test_a_link_works_once(console: Console, sqlite: Database, clock: Clock) -> None:
    secret = invited(sqlite, clock)
    await use(console.browser(), secret)

    replayed = await use(console.browser(), secret, OTHER_PASSWORD)

    assert replayed.status_code == 410
    assert (await console.browser().get(f"/console/invitation/{secret}")).status_code == 410
    refused = await console.browser().sign_in("new@example.org", OTHER_PASSWORD)
    assert refused.status_code == 403


async def test_links_end_with_time_with_a_newer_one_and_with_the_account(
    console: Console, sqlite: Database, clock: Clock
) -> None:
    first = invited(sqlite, clock)
    with sqlite.transaction() as session:
        account = accounts.by_email(session, "new@example.org")
        second = accounts.reset(session, account, actor="test", now=clock())
    assert (await use(console.browser(), first)).status_code == 410

    clock.advance(7 * 24 * 3600 + 1)
    assert (await use(console.browser(), second)).status_code == 410

    with sqlite.transaction() as session:
        third = accounts.reset(session, session.merge(account), actor="test", now=clock())
        accounts.set_active(
            session, session.merge(account), active=False, actor="test", now=clock()
        )
    assert (await use(console.browser(), third)).status_code == 410
    assert (await use(console.browser(), "guessed")).status_code == 410


async def test_the_database_holds_digests_only(
    console: Console, sqlite: Database, clock: Clock
) -> None:
    secret = invited(sqlite, clock)
    browser = console.browser()
    await use(browser, secret)

    with sqlite.reading() as session:
        link = session.scalars(select(AccountLink)).one()
        signed_in = session.scalars(select(AccountSession)).one()
        account = session.scalars(select(Account)).one()
    stored = f"{vars(link)} {vars(signed_in)} {vars(account)}"
    for hidden in (secret, cookie(browser), PASSWORD):
        assert hidden not in stored
    assert (account.password_hash or "").startswith("$argon2id$")


async def test_changing_the_password_ends_all_other_sessions(
    console: Console, counsellor: Account
) -> None:
    here, there = await console.signed_in(counsellor), await console.signed_in(counsellor)
    form = {"present": PASSWORD, "password": OTHER_PASSWORD, "repeated": OTHER_PASSWORD}

    wrong = await here.submit("/console/account/password", form | {"present": "not this one"})
    changed = await here.submit("/console/account/password", form)

    assert (wrong.status_code, changed.status_code) == (422, 303)
    assert (await here.get("/console/account")).status_code == 200
    assert (await there.get("/console/account")).status_code == 303
    assert (await there.sign_in(counsellor.email)).status_code == 403
    assert (await there.sign_in(counsellor.email, OTHER_PASSWORD)).status_code == 303


async def test_the_present_password_cannot_be_guessed_from_inside(
    console: Console, counsellor: Account
) -> None:
    browser = await console.signed_in(counsellor)
    form = {"password": OTHER_PASSWORD, "repeated": OTHER_PASSWORD}

    for attempt in range(5):
        await browser.submit("/console/account/password", form | {"present": f"guess {attempt}"})
    right = await browser.submit("/console/account/password", form | {"present": PASSWORD})

    assert "Too many failed attempts" in right.text
    assert (await console.browser().sign_in(counsellor.email)).status_code == 303


# Sessions


async def test_a_session_planted_before_signing_in_is_worth_nothing(
    console: Console, counsellor: Account
) -> None:
    browser = console.browser()
    browser.cookies.set("__Host-lotse-console", "A" * 43, domain="lotse.test", path="/")

    await browser.sign_in(counsellor.email)

    planted = console.browser()
    planted.cookies.set("__Host-lotse-console", "A" * 43, domain="lotse.test", path="/")
    assert (await planted.get("/console/account")).status_code == 303


async def test_signing_in_again_ends_the_session_before(
    console: Console, counsellor: Account
) -> None:
    browser = await console.signed_in(counsellor)
    old = cookie(browser)

    await browser.sign_in(counsellor.email)

    assert cookie(browser) != old
    thief = console.browser()
    thief.cookies.set("__Host-lotse-console", old, domain="lotse.test", path="/")
    assert (await thief.get("/console/account")).status_code == 303


async def test_sessions_end_when_unused_and_at_last_anyway(
    console: Console, counsellor: Account, clock: Clock
) -> None:
    browser = await console.signed_in(counsellor)
    half_a_day = (sessions.IDLE - timedelta(minutes=1)).total_seconds()

    for _ in range(14):
        clock.advance(half_a_day)
        alive = (await browser.get("/console/account")).status_code
    assert alive == 200
    clock.advance(half_a_day)
    assert (await browser.get("/console/account")).status_code == 303

    fresh = await console.signed_in(counsellor)
    clock.advance(sessions.IDLE.total_seconds() + 1)
    assert (await fresh.get("/console/account")).status_code == 303


# Guessing


async def test_guessing_is_locked_and_the_owner_is_told(
    console: Console, counsellor: Account, sqlite: Database, clock: Clock
) -> None:
    attacker = console.browser(ip="203.0.113.9")
    for number in range(5):
        assert (await attacker.sign_in(counsellor.email, f"guess {number}")).status_code == 403

    locked = await attacker.sign_in(counsellor.email)
    assert "Too many failed attempts" in locked.text
    assert locked.status_code == 403
    assert "account.locked" in actions(sqlite)

    owner = await console.signed_in(counsellor)
    page = (await owner.get("/console/account")).text
    assert "there were 5 failed attempts" in page
    clock.advance(16 * 60)
    assert (await attacker.sign_in(counsellor.email)).status_code == 303


async def test_many_addresses_together_lock_the_account(
    console: Console, counsellor: Account
) -> None:
    for number in range(25):
        await console.browser(ip=f"203.0.113.{number}").sign_in(counsellor.email, "guess")

    answer = await console.browser(ip="198.51.100.1").sign_in(counsellor.email)

    assert "Too many failed attempts" in answer.text


async def test_an_answer_does_not_tell_whether_an_account_exists(
    console: Console, counsellor: Account, sqlite: Database
) -> None:
    known = await console.browser().sign_in(counsellor.email, "wrong")
    unknown = await console.browser().sign_in("nobody@example.org", "wrong")

    assert known.text.replace(counsellor.email, "") == unknown.text.replace(
        "nobody@example.org", ""
    )
    with sqlite.reading() as session:
        kept = str([vars(row) for row in session.scalars(select(FailedSignIn))])
    assert "nobody" not in kept
    assert "192.0.2.1" not in kept


async def test_a_disabled_account_is_out_at_once(
    console: Console, admin: Account, counsellor: Account
) -> None:
    boss, browser = await console.signed_in(admin), await console.signed_in(counsellor)

    await boss.submit(f"/console/users/{counsellor.id}/active", {"active": "false"})

    assert (await browser.get("/console/account")).status_code == 303
    assert (await browser.sign_in(counsellor.email)).status_code == 403


# One-time codes


async def switched_on(browser: Browser, clock: Clock) -> pyotp.TOTP:
    page = (await browser.submit("/console/account/second-factor/begin")).text
    found = re.search(r'name="secret" value="([A-Z2-7]{32})"', page)
    assert found
    totp = pyotp.TOTP(found[1])
    form = {"secret": found[1], "code": totp.at(clock())}
    wrong = await browser.submit("/console/account/second-factor", form | {"code": "000000"})
    assert wrong.status_code == 422
    assert (await browser.submit("/console/account/second-factor", form)).status_code == 303
    clock.advance(60)
    return totp


async def test_with_one_time_codes_the_password_alone_opens_nothing(
    console: Console, counsellor: Account, clock: Clock
) -> None:
    totp = await switched_on(await console.signed_in(counsellor), clock)
    browser = console.browser()

    asked = await browser.sign_in(counsellor.email)
    assert "One-time code" in asked.text
    half = cookie(browser)
    assert (await browser.get("/console/account")).status_code == 303
    code = totp.at(clock())
    wrong = await browser.post("/console/sign-in/code", data={"code": "123456"})
    assert wrong.status_code == 403
    assert (await browser.post("/console/sign-in/code", data={"code": code})).status_code == 303
    assert cookie(browser) != half
    assert (await browser.get("/console/account")).status_code == 200

    again = console.browser()
    await again.sign_in(counsellor.email)
    replayed = await again.post("/console/sign-in/code", data={"code": code})
    assert replayed.status_code == 403


async def test_codes_cannot_be_guessed_and_half_sessions_do_not_last(
    console: Console, counsellor: Account, clock: Clock
) -> None:
    totp = await switched_on(await console.signed_in(counsellor), clock)
    browser = console.browser(ip="203.0.113.9")
    await browser.sign_in(counsellor.email)
    for _ in range(5):
        await browser.post("/console/sign-in/code", data={"code": "000000"})
    right = await browser.post("/console/sign-in/code", data={"code": totp.at(clock())})
    assert right.status_code == 403
    assert "Too many" in (await browser.sign_in(counsellor.email)).text

    late = console.browser()
    await late.sign_in(counsellor.email)
    clock.advance(301)
    answer = await late.post("/console/sign-in/code", data={"code": totp.at(clock())})
    assert answer.status_code == 403


async def test_one_time_codes_are_switched_off_by_password_and_code(
    console: Console, counsellor: Account, clock: Clock
) -> None:
    browser = await console.signed_in(counsellor)
    totp = await switched_on(browser, clock)
    path = "/console/account/second-factor/off"

    assert (await browser.submit(path, {"present": PASSWORD, "code": "000000"})).status_code == 422
    form = {"present": PASSWORD, "code": totp.at(clock())}
    assert (await browser.submit(path, form | {"present": "wrong"})).status_code == 422
    assert (await browser.submit(path, form)).status_code == 303
    assert (await console.browser().sign_in(counsellor.email)).status_code == 303


# Admins


async def test_an_admin_invites_changes_and_resets(
    console: Console, admin: Account, sqlite: Database
) -> None:
    boss = await console.signed_in(admin)
    form = {"email": "x@example.org", "name": "X", "role": "editor"}

    shown = (await boss.submit("/console/users", form)).text
    assert (await boss.submit("/console/users", form)).status_code == 422
    assert (await boss.submit("/console/users", form | {"email": "x"})).status_code == 422
    partner = form | {"email": "y@example.org", "role": "partner"}
    assert (await boss.submit("/console/users", partner)).status_code == 422
    link = re.search(r"https://lotse\.test(/console/invitation/[\w-]{43})", shown)
    assert link
    assert (await console.browser().get(link[1])).status_code == 200

    with sqlite.reading() as session:
        new = accounts.by_email(session, "x@example.org")
    await boss.submit(f"/console/users/{new.id}/role", {"role": "counsellor"})
    relinked = (await boss.submit(f"/console/users/{new.id}/link")).text
    assert "/console/invitation/" in relinked
    assert (await console.browser().get(link[1])).status_code == 410
    missing = await boss.submit("/console/users/none/link")
    log = (await boss.get("/console/audit?action=account.")).text

    assert missing.status_code == 404
    for action in ("account.invited", "account.role_changed", "account.reset"):
        assert action in log


async def test_the_last_admin_stays(console: Console, admin: Account) -> None:
    boss = await console.signed_in(admin)

    disabled = await boss.submit(f"/console/users/{admin.id}/active", {"active": "false"})
    demoted = await boss.submit(f"/console/users/{admin.id}/role", {"role": "editor"})

    assert (disabled.status_code, demoted.status_code) == (422, 422)
    assert (await boss.get("/console/users")).status_code == 200


async def test_the_audit_log_has_pages(
    console: Console, admin: Account, sqlite: Database, clock: Clock
) -> None:
    with sqlite.transaction() as session:
        for number in range(150):
            audit.record(session, "test.done", actor="test", now=clock(), subject=f"n:{number}")
    boss = await console.signed_in(admin)

    first = (await boss.get("/console/audit?action=test.")).text
    older = re.search(r'href="(/console/audit\?before=[^"]+)"', first)
    assert older
    second = (await boss.get(older[1].replace("&amp;", "&"))).text

    assert first.count("<code>test.done</code>") == 100
    assert second.count("<code>test.done</code>") == 50
    assert "n:149" in first
    assert "n:0" in second
