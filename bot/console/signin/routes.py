"""Signing in and out, one-time codes, and the links that set a password."""

import math
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from bot.console import access
from bot.console.access import EVERYBODY, PUBLIC, safe_next, token_of
from bot.console.pages import redirect, render, texts_of
from bot.console.services import Services
from bot.counsellors import accounts, sessions
from bot.counsellors.accounts import LinkInvalidError
from bot.counsellors.models import Account
from bot.counsellors.passwords import MINIMUM_LENGTH, WeakPasswordError
from bot.counsellors.sessions import Outcome, SignIn
from bot.i18n.texts import source_text

router = APIRouter()

REFUSED = source_text("E-mail or password is wrong.")
CODE_REFUSED = source_text("This code is wrong or was used already. Wait for the next one.")
LINK_INVALID = source_text(
    "This link is not valid any more: it was used already or is too old. Ask for a new one."
)
NOT_REPEATED = source_text("The two passwords differ.")
WEAK = {
    "short": source_text("Please choose at least {minimum} characters."),
    "long": source_text("This password is too long."),
    "own_words": source_text("This password is too easy to guess."),
}

Text = Annotated[str, Form()]


@router.get("/sign-in", dependencies=[PUBLIC])
def show_sign_in(request: Request, next: str = "") -> Response:
    """The form for e-mail and password."""
    return _sign_in_form(request, next_page=next)


@router.post("/sign-in", dependencies=[PUBLIC])
def sign_in(
    request: Request, services: Services, email: Text = "", password: Text = "", next: Text = ""
) -> Response:
    """Checks e-mail and password."""
    with services.database.transaction() as session:
        result = sessions.sign_in(
            session,
            email=email,
            password=password,
            origin=_origin(request),
            passwords=services.passwords,
            now=services.clock(),
        )
        if result.token:
            # Whatever cookie the browser came with opens nothing from now on.
            sessions.drop(session, token_of(request))
    match result.outcome:
        case Outcome.SIGNED_IN:
            return _signed_in(services, result, next_page=next)
        case Outcome.CODE_NEEDED:
            response = render(request, "signin/code.html", next_page=next, problem="")
            access.give_cookie(response, services, result.token)
            return response
        case _:
            problem = _problem(request, result, REFUSED)
            return _sign_in_form(request, next_page=next, email=email, problem=problem, status=403)


@router.post("/sign-in/code", dependencies=[PUBLIC])
def give_code(request: Request, services: Services, code: Text = "", next: Text = "") -> Response:
    """Checks the one-time code."""
    with services.database.transaction() as session:
        result = sessions.give_code(
            session,
            token_of(request),
            code=code,
            origin=_origin(request),
            now=services.clock(),
        )
    if result.outcome is Outcome.SIGNED_IN:
        return _signed_in(services, result, next_page=next)
    problem = _problem(request, result, CODE_REFUSED)
    if result.outcome is Outcome.CODE_NEEDED:
        return render(request, "signin/code.html", status=403, next_page=next, problem=problem)
    return _sign_in_form(request, next_page=next, problem=problem, status=403)


@router.post("/sign-out")
def sign_out(
    request: Request,
    services: Services,
    account: Annotated[Account, Depends(access.require(*EVERYBODY))],
) -> Response:
    """Ends the session."""
    with services.database.transaction() as session:
        sessions.sign_out(session, token_of(request), now=services.clock())
    response = redirect("/sign-in", notice="signed-out")
    access.take_cookie(response, services)
    return response


@router.get("/invitation/{secret}", dependencies=[PUBLIC])
def show_invitation(request: Request, services: Services, secret: str) -> Response:
    """The form for a new password."""
    try:
        with services.database.reading() as session:
            account = accounts.open_link(session, secret, now=services.clock()).account
    except LinkInvalidError:
        return _link_invalid(request)
    return _password_form(request, account)


@router.post("/invitation/{secret}", dependencies=[PUBLIC])
def use_invitation(
    request: Request, services: Services, secret: str, password: Text = "", repeated: Text = ""
) -> Response:
    """Sets the password and signs in."""
    now = services.clock()
    try:
        with services.database.reading() as session:
            account = accounts.open_link(session, secret, now=now).account
        if password != repeated:
            return _password_form(request, account, problem=NOT_REPEATED)
        with services.database.transaction() as session:
            account = accounts.use_link(
                session, secret, password=password, passwords=services.passwords, now=now
            )
            token = sessions.begin(session, account, now=now)
    except LinkInvalidError:
        return _link_invalid(request)
    except WeakPasswordError as error:
        return _password_form(request, account, problem=WEAK[error.reason])
    response = redirect("/")
    access.give_cookie(response, services, token)
    return response


def _signed_in(services: Services, result: SignIn, *, next_page: str) -> Response:
    response = RedirectResponse(safe_next(next_page), status_code=303)
    access.give_cookie(response, services, result.token)
    return response


def _sign_in_form(
    request: Request, *, next_page: str, email: str = "", problem: str = "", status: int = 200
) -> Response:
    return render(
        request,
        "signin/sign_in.html",
        status=status,
        next_page=next_page,
        email=email,
        problem=problem,
    )


def _password_form(request: Request, account: Account, *, problem: str = "") -> Response:
    problem = texts_of(request).gettext(problem, minimum=MINIMUM_LENGTH)
    return render(
        request,
        "signin/password.html",
        status=422 if problem else 200,
        holder=account,
        minimum=MINIMUM_LENGTH,
        problem=problem,
    )


def _link_invalid(request: Request) -> Response:
    return render(request, "error.html", status=410, message=LINK_INVALID)


def _problem(request: Request, result: SignIn, refused: str) -> str:
    texts = texts_of(request)
    if result.outcome is not Outcome.LOCKED:
        return texts.gettext(refused)
    return texts.ngettext(
        "Too many failed attempts. Please try again in {number} minute.",
        "Too many failed attempts. Please try again in {number} minutes.",
        math.ceil(result.wait.total_seconds() / 60),
    )


def _origin(request: Request) -> str:
    return request.client.host if request.client else ""
