"""What the pages work with. ``bot/bootstrap/`` fills it; pages get it by ``Services``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request

from bot.booking.telling import Teller
from bot.clock import Clock
from bot.console.live import Live
from bot.conversations.files import FileStore
from bot.counsellors.passwords import Passwords
from bot.db.session import Database
from bot.i18n.texts import Catalogues
from bot.measures.presentation import STALE_AFTER
from bot.messages import Channel


@dataclass(frozen=True, kw_only=True)
class ConsoleServices:
    """Everything that a page may use.

    ``base_url`` begins every link sent to people. ``catalogues`` are the newcomers' texts,
    ``texts`` those of the pages. ``replied`` is called after replies were queued, so that
    they leave at once. Facts unchecked for longer than ``stale_after`` carry a warning and are
    listed to editors.
    ``translates``: a machine can translate a reply before it is sent.
    """

    database: Database
    clock: Clock
    catalogues: Catalogues
    texts: Catalogues
    passwords: Passwords
    teller: Teller
    base_url: str
    live: Live
    files: FileStore
    channels: Mapping[str, Channel]
    replied: Callable[[], None]
    stale_after: timedelta = STALE_AFTER
    translates: bool = False

    @property
    def secure(self) -> bool:
        """Whether people reach the console by https."""
        return self.base_url.startswith("https://")

    def link(self, path: str) -> str:
        """The full address of a page of the console."""
        return f"{self.base_url.rstrip('/')}/console{path}"


def services_of(request: Request) -> ConsoleServices:
    """The services of the application that a request came to."""
    services: ConsoleServices = request.app.state.services
    return services


Services = Annotated[ConsoleServices, Depends(services_of)]
"""Parameter of a page: ``services: Services``."""
