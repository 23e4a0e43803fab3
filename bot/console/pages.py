"""Rendering: ``render(request, "feature/page.html", …)`` gives a whole page or a part of one.

Templates stand in ``templates/<feature>/`` and extend ``base.html``. Words are marked as
``{{ _("Save") }}``, with values as ``{{ _("Hello {name}", name=account.name) }}``, and are
translated in ``locale/de/LC_MESSAGES/console.po``. Everything is escaped; ``|safe`` is for SVG
that we made ourselves and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_timedelta
from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from bot.console import access
from bot.console.services import services_of
from bot.counsellors.models import Account, Role
from bot.i18n.languages import LANGUAGES, REPLY_LANGUAGES, direction
from bot.i18n.texts import CONSOLE_LANGUAGES, Texts, source_text

HERE = Path(__file__).parent
STUTTGART = ZoneInfo("Europe/Berlin")
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, kw_only=True)
class NavItem:
    """An entry of the navigation. ``label`` is marked with ``source_text``."""

    path: str
    label: str
    icon: str
    roles: frozenset[Role]


class Pages:
    """The templates and static files, loaded once."""

    def __init__(self, navigation: Sequence[NavItem] = ()) -> None:
        self._navigation = tuple(navigation)
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["direction"] = direction
        self._files = {
            path.name: path
            for path in sorted((HERE / "static").iterdir())
            if path.suffix in MEDIA_TYPES
        }
        self.version = _fingerprint(self._files.values())

    def navigation(self, account: Account) -> list[NavItem]:
        """The entries that the account's role may open."""
        return [item for item in self._navigation if account.role in item.roles]

    def html(self, request: Request, template: str, context: dict[str, Any]) -> str:
        """The page or part as text."""
        visit = access.visit_of(request)
        texts = texts_of(request)
        now = services_of(request).clock()
        return self._environment.get_template(template).render(
            _=texts.gettext,
            ngettext=texts.ngettext,
            language=texts.language,
            languages=CONSOLE_LANGUAGES,
            language_name=lambda code: texts.language_name(code) if code else "",
            endonym=_endonym,
            reply_languages=REPLY_LANGUAGES,
            moment=lambda at: texts.moment(at.astimezone(STUTTGART)) if at else "",
            since=lambda at: _since(at, now=now, language=texts.language) if at else "",
            account=visit.account if visit else None,
            csrf=visit.form_token if visit else "",
            navigation=self.navigation(visit.account) if visit else [],
            path=request.url.path,
            notice=NOTICES.get(request.query_params.get("notice", ""), ""),
            asset=lambda name: f"/console/static/{self.version}/{name}",
            **context,
        )

    def static(self, version: str, name: str) -> Response:
        """A static file. With the present version in its path it may be kept for ever."""
        path = self._files.get(name)
        if path is None:
            raise HTTPException(404)
        caching = "public, max-age=31536000, immutable" if version == self.version else "no-cache"
        return FileResponse(
            path, media_type=MEDIA_TYPES[path.suffix], headers={"Cache-Control": caching}
        )


# What a page says after a redirect: only these, so that a link cannot put words into our mouth.
NOTICES = {
    "saved": source_text("Saved."),
    "password": source_text("The password is changed. All other sessions have ended."),
    "second-factor-on": source_text("One-time codes are on. You need one at every sign-in."),
    "second-factor-off": source_text("One-time codes are off."),
    "signed-out": source_text("You are signed out."),
    "booked": source_text("Booked. The newcomer gets the confirmation."),
    "booked-already": source_text("Not booked: the person has such an appointment already."),
    "slot-taken": source_text("Not booked: this time is not free any more."),
    "passed-on": source_text("Passed on."),
    "put-aside": source_text("Put aside."),
    "sessions-ended": source_text("All other sessions have ended."),
}


def render(
    request: Request, template: str, /, *, status: int = 200, **context: Any
) -> HTMLResponse:
    """A template with the account, its language and ``context``; see the module's head."""
    pages: Pages = request.app.state.pages
    return HTMLResponse(pages.html(request, template, context), status_code=status)


def redirect(path: str, *, notice: str = "") -> RedirectResponse:
    """Leads on to a page of the console (``/account``) after a form was accepted."""
    query = f"?notice={notice}" if notice else ""
    return RedirectResponse(f"/console{path}{query}", status_code=303)


def texts_of(request: Request) -> Texts:
    """The words of the pages in the language of the account, or of the visitor."""
    catalogues = services_of(request).texts
    visit = access.visit_of(request)
    return catalogues.get(
        visit.account.interface_language if visit else _visitors_language(request)
    )


def _visitors_language(request: Request) -> str:
    wishes = [request.query_params.get("language", "")]
    for part in request.headers.get("Accept-Language", "").split(","):
        wishes.append(part.partition(";")[0].strip().lower()[:2])
    return next((wish for wish in wishes if wish in CONSOLE_LANGUAGES), CONSOLE_LANGUAGES[0])


def _endonym(code: str) -> str:
    return LANGUAGES[code].endonym if code in LANGUAGES else code


def _since(at: datetime, *, now: datetime, language: str) -> str:
    return str(format_timedelta(at - now, add_direction=True, format="short", locale=language))


def _fingerprint(paths: Any) -> str:
    content = hashlib.sha256()
    for path in paths:
        content.update(path.name.encode() + b"\0" + path.read_bytes())
    return content.hexdigest()[:12]
