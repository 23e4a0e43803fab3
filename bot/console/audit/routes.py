"""The audit log, for admins: who did what, newest first."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from bot.console import access
from bot.console.pages import NavItem, render
from bot.console.services import Services
from bot.counsellors import accounts, audit
from bot.counsellors.models import Account, Role
from bot.i18n.texts import source_text

NAVIGATION = NavItem(
    path="/console/audit",
    label=source_text("Audit log"),
    icon="audit",
    roles=frozenset({Role.ADMIN}),
)
PAGE_SIZE = 100

router = APIRouter(prefix="/audit")


@router.get("")
def show(
    request: Request,
    services: Services,
    account: Annotated[Account, Depends(access.require(Role.ADMIN))],
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    action: Annotated[str, Query(max_length=60)] = "",
    subject: Annotated[str, Query(max_length=80)] = "",
    who: Annotated[str, Query(max_length=36)] = "",
) -> Response:
    """The entries that fit the filters."""
    with services.database.reading() as session:
        found = audit.entries(
            session,
            limit=PAGE_SIZE + 1,
            before=before,
            action=action,
            subject=subject,
            account_id=who,
        )
        people = accounts.all_accounts(session)
    shown = found[:PAGE_SIZE]
    return render(
        request,
        "audit/page.html",
        entries=shown,
        people=people,
        action=action,
        subject=subject,
        who=who,
        older=shown[-1].id if len(found) > PAGE_SIZE else None,
    )
