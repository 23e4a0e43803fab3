"""Accounts, for admins: invite, change role, disable, give a new link."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.console import access
from bot.console.pages import NavItem, redirect, render, texts_of
from bot.console.services import Services
from bot.counsellors import accounts
from bot.counsellors.accounts import AccountRefusedError
from bot.counsellors.models import Account, Role
from bot.errors import NotFoundError
from bot.i18n.texts import source_text
from bot.measures.models import Organization

NAVIGATION = NavItem(
    path="/console/users",
    label=source_text("Accounts"),
    icon="users",
    roles=frozenset({Role.ADMIN}),
)
PROBLEMS = {
    "email": source_text("This is not an e-mail address."),
    "taken": source_text("There is an account with this e-mail already."),
    "name": source_text("Please give a name of at most 100 characters."),
    "language": source_text("One of these languages is unknown."),
    "organization": source_text("A partner needs an organization."),
    "last_admin": source_text("This is the last admin. Make somebody else an admin first."),
}
ROLE_NAMES = {
    Role.COUNSELLOR: source_text("Counsellor"),
    Role.EDITOR: source_text("Editor"),
    Role.ADMIN: source_text("Admin"),
    Role.PARTNER: source_text("Partner"),
}

router = APIRouter(prefix="/users")

Admin = Annotated[Account, Depends(access.require(Role.ADMIN))]
Text = Annotated[str, Form()]


@router.get("")
def show(request: Request, services: Services, account: Admin) -> Response:
    """The list, and the form to invite somebody."""
    return _page(request, services)


@router.post("")
def invite(
    request: Request,
    services: Services,
    account: Admin,
    email: Text = "",
    name: Text = "",
    role: Annotated[Role, Form()] = Role.COUNSELLOR,
    organization: Text = "",
) -> Response:
    """Makes an account and shows its invitation link, once."""
    try:
        with services.database.transaction() as session:
            _require_organization(session, organization)
            invited, secret = accounts.invite(
                session,
                email=email,
                name=name,
                role=role,
                organization_id=organization or None,
                interface_language=account.interface_language,
                actor=account,
                now=services.clock(),
            )
    except AccountRefusedError as error:
        written = {"email": email, "name": name, "role": role, "organization": organization}
        return _page(request, services, problem=PROBLEMS[error.reason], written=written)
    return _show_link(request, services, invited, secret)


@router.post("/{account_id}/link")
def new_link(request: Request, services: Services, account: Admin, account_id: str) -> Response:
    """Shows a new link that sets a password, once; earlier ones stop working."""
    with services.database.transaction() as session:
        holder = _account(session, account_id)
        secret = accounts.reset(session, holder, actor=account, now=services.clock())
    return _show_link(request, services, holder, secret)


@router.post("/{account_id}/role")
def change_role(
    request: Request,
    services: Services,
    account: Admin,
    account_id: str,
    role: Annotated[Role, Form()],
    organization: Text = "",
) -> Response:
    """Gives an account another role or organization."""
    try:
        with services.database.transaction() as session:
            _require_organization(session, organization)
            accounts.set_role(
                session,
                _account(session, account_id),
                role=role,
                organization_id=organization or None,
                actor=account,
                now=services.clock(),
            )
    except AccountRefusedError as error:
        return _page(request, services, problem=PROBLEMS[error.reason])
    return redirect("/users", notice="saved")


@router.post("/{account_id}/active")
def switch(
    request: Request,
    services: Services,
    account: Admin,
    account_id: str,
    active: Annotated[bool, Form()],
) -> Response:
    """Disables an account, or enables it again."""
    try:
        with services.database.transaction() as session:
            accounts.set_active(
                session,
                _account(session, account_id),
                active=active,
                actor=account,
                now=services.clock(),
            )
    except AccountRefusedError as error:
        return _page(request, services, problem=PROBLEMS[error.reason])
    return redirect("/users", notice="saved")


def _account(session: Session, account_id: str) -> Account:
    found = session.get(Account, account_id)
    if found is None:
        raise NotFoundError("There is no such account.")
    return found


def _require_organization(session: Session, organization_id: str) -> None:
    if organization_id and session.get(Organization, organization_id) is None:
        raise NotFoundError("There is no such organization.")


def _page(
    request: Request,
    services: Services,
    *,
    problem: str = "",
    written: dict[str, str] | None = None,
) -> Response:
    with services.database.reading() as session:
        found = accounts.all_accounts(session)
        organizations = session.execute(
            select(Organization.id, Organization.name).order_by(Organization.name)
        ).all()
    return render(
        request,
        "users/page.html",
        status=422 if problem else 200,
        accounts=found,
        organizations=organizations,
        roles=ROLE_NAMES,
        problem=texts_of(request).gettext(problem),
        written=written or {"email": "", "name": "", "role": "counsellor", "organization": ""},
    )


def _show_link(request: Request, services: Services, holder: Account, secret: str) -> Response:
    return render(
        request,
        "users/link.html",
        holder=holder,
        link=services.link(f"/invitation/{secret}"),
        fresh=holder.password_hash is None,
    )
