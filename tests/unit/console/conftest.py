"""The console on both databases, with one account for each role."""

from __future__ import annotations

import pytest

from bot.counsellors.models import Account, Role
from bot.db.session import Database
from tests.conftest import Clock
from tests.support.console import Console, console_services, new_account


@pytest.fixture
def console(sqlite: Database, clock: Clock) -> Console:
    return Console(console_services(sqlite, clock))


@pytest.fixture
def counsellor(sqlite: Database, clock: Clock) -> Account:
    return new_account(sqlite, clock, Role.COUNSELLOR)


@pytest.fixture
def admin(sqlite: Database, clock: Clock) -> Account:
    return new_account(sqlite, clock, Role.ADMIN)
