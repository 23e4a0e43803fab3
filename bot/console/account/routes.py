"""One's own account: name, languages, password, second factor, other sessions."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from bot.console import access
from bot.console.access import EVERYBODY, visit_of
from bot.console.pages import NavItem, redirect, render, texts_of
from bot.console.services import ConsoleServices, Services
from bot.console.signin.routes import CODE_REFUSED, NOT_REPEATED, WEAK
from bot.counsellors import accounts, audit, sessions, totp
from bot.counsellors.accounts import AccountRefusedError
from bot.counsellors.models import Account
from bot.counsellors.passwords import MINIMUM_LENGTH, WeakPasswordError
from bot.counsellors.throttle import Attempt, locked_for, note_failure
from bot.i18n.languages import LANGUAGES
from bot.i18n.texts import source_text

NAVIGATION = NavItem(
    path="/console/account",
    label=source_text("My account"),
    icon="account",
    roles=frozenset(EVERYBODY),
)
WRONG_PASSWORD = source_text("The present password is wrong.")
TOO_MANY = source_text("Too many failed attempts. Please wait some minutes.")
NAME_REFUSED = source_text("Please give a name of at most 100 characters.")

router = APIRouter(prefix="/account")

Signed = Annotated[Account, Depends(access.require(*EVERYBODY))]
Text = Annotated[str, Form()]


@router.get("")
def show(request: Request, account: Signed) -> Response:
    """The page with all forms."""
    return _page(request, account)


@router.post("")
def save(
    request: Request,
    services: Services,
    account: Signed,
    name: Text = "",
    interface_language: Text = "",
    languages: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Saves name and languages."""
    try:
        with services.database.transaction() as session:
            accounts.set_preferences(
                session.get_one(Account, account.id),
                name=name,
                languages=languages or [],
                interface_language=interface_language,
            )
    except AccountRefusedError:
        return _page(request, account, problems={"name": NAME_REFUSED})
    return redirect("/account", notice="saved")


@router.post("/password")
def change_password(
    request: Request,
    services: Services,
    account: Signed,
    present: Text = "",
    password: Text = "",
    repeated: Text = "",
) -> Response:
    """Changes the password; every other session ends."""
    if problem := _check_password(request, services, account, present):
        return _page(request, account, problems={"password": problem})
    if password != repeated:
        return _page(request, account, problems={"password": NOT_REPEATED})
    visit = visit_of(request)
    try:
        with services.database.transaction() as session:
            accounts.change_password(
                session,
                session.get_one(Account, account.id),
                password=password,
                passwords=services.passwords,
                now=services.clock(),
                keep=visit.token_hash if visit else None,
            )
    except WeakPasswordError as error:
        return _page(request, account, problems={"password": WEAK[error.reason]})
    return redirect("/account", notice="password")


@router.post("/sessions/end")
def end_other_sessions(request: Request, services: Services, account: Signed) -> Response:
    """Signs out everywhere else."""
    visit = visit_of(request)
    with services.database.transaction() as session:
        accounts.end_sessions(session, account, keep=visit.token_hash if visit else None)
    return redirect("/account", notice="sessions-ended")


@router.post("/second-factor/begin")
def begin_second_factor(request: Request, account: Signed) -> Response:
    """Shows a new secret to be scanned. Nothing is stored until a code proves it."""
    return _enrolment(request, account, totp.new_secret())


@router.post("/second-factor")
def switch_second_factor_on(
    request: Request, services: Services, account: Signed, secret: Text = "", code: Text = ""
) -> Response:
    """Switches one-time codes on when the code fits the secret shown before."""
    now = services.clock()
    if not totp.is_secret(secret):
        return _page(request, account)
    step = totp.matching_step(secret, code, now=now, after=None)
    if step is None or account.totp_secret:
        return _enrolment(request, account, secret, problem=CODE_REFUSED)
    with services.database.transaction() as session:
        own = session.get_one(Account, account.id)
        own.totp_secret = secret
        own.totp_step = step
        audit.record(
            session,
            "account.second_factor_on",
            actor=own,
            now=now,
            subject=f"account:{own.id}",
        )
    return redirect("/account", notice="second-factor-on")


@router.post("/second-factor/off")
def switch_second_factor_off(
    request: Request, services: Services, account: Signed, present: Text = "", code: Text = ""
) -> Response:
    """Switches one-time codes off; needs the password and a code."""
    if problem := _check_password(request, services, account, present):
        return _page(request, account, problems={"second_factor": problem})
    now = services.clock()
    with services.database.transaction() as session:
        own = session.get_one(Account, account.id)
        right = sessions.use_code(session, own, code, now=now)
        if right:
            own.totp_secret = None
            audit.record(
                session,
                "account.second_factor_off",
                actor=own,
                now=now,
                subject=f"account:{own.id}",
            )
    if not right:
        return _page(request, account, problems={"second_factor": CODE_REFUSED})
    return redirect("/account", notice="second-factor-off")


def _check_password(
    request: Request, services: ConsoleServices, account: Account, password: str
) -> str:
    """What is wrong with the present password as given; failures count as at the sign-in."""
    now = services.clock()
    # Another key than the sign-in's, so that a stolen session cannot lock its owner out.
    attempt = Attempt(email=account.email, origin="inside")
    with services.database.transaction() as session:
        if locked_for(session, attempt, now=now) is not None:
            return TOO_MANY
        if services.passwords.matches(password, account.password_hash):
            return ""
        note_failure(session, attempt, now=now)
        return WRONG_PASSWORD


def _page(
    request: Request, account: Account, *, problems: dict[str, str] | None = None
) -> Response:
    texts = texts_of(request)
    shown = {
        form: texts.gettext(text, minimum=MINIMUM_LENGTH) for form, text in (problems or {}).items()
    }
    languages = sorted(
        ((code, texts.language_name(code)) for code in LANGUAGES), key=lambda pair: pair[1]
    )
    visit = visit_of(request)
    return render(
        request,
        "account/page.html",
        status=422 if shown else 200,
        problems=shown,
        all_languages=languages,
        failed_before=visit.failed_before if visit else 0,
    )


def _enrolment(request: Request, account: Account, secret: str, *, problem: str = "") -> Response:
    return render(
        request,
        "account/second_factor.html",
        status=422 if problem else 200,
        secret=secret,
        picture=totp.enrolment_picture(account, secret),
        problem=texts_of(request).gettext(problem),
    )
