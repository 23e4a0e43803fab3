"""The one place where features of the console are registered.

A feature is a package ``bot/console/<feature>/`` with ``routes.py``, which holds a ``router`` and,
if it has an entry in the navigation, ``NAVIGATION``. The recipe is
``docs/recipes/add-a-console-page.md``.
"""

from __future__ import annotations

from fastapi import APIRouter

from bot.console.account import routes as account
from bot.console.appointments import moves as appointment_moves
from bot.console.appointments import routes as appointments
from bot.console.audit import routes as audit
from bot.console.counselling import routes as counselling
from bot.console.duty import routes as duty
from bot.console.hours import routes as hours
from bot.console.inbox import files as inbox_files
from bot.console.inbox import moves as inbox_moves
from bot.console.inbox import routes as inbox
from bot.console.inbox import slots as inbox_slots
from bot.console.inbox import stream as inbox_stream
from bot.console.inbox import writing as inbox_writing
from bot.console.measures import one as one_measure
from bot.console.measures import routes as measures
from bot.console.measures import where_and_when
from bot.console.pages import NavItem
from bot.console.signin import routes as signin
from bot.console.users import routes as users

# The first route that fits a path is taken: a feature's lists stand before the pages of one entry.
ROUTERS: tuple[APIRouter, ...] = (
    signin.router,
    inbox.router,
    inbox_files.router,
    inbox_moves.router,
    inbox_writing.router,
    inbox_slots.router,
    inbox_stream.router,
    duty.router,
    appointments.router,
    appointment_moves.router,
    hours.router,
    counselling.router,
    measures.router,
    one_measure.router,
    where_and_when.router,
    users.router,
    audit.router,
    account.router,
)

# In the order in which they are shown; the first one that an account may open is its first page.
NAVIGATION: tuple[NavItem, ...] = (
    inbox.NAVIGATION,
    duty.NAVIGATION,
    appointments.NAVIGATION,
    hours.NAVIGATION,
    counselling.NAVIGATION,
    measures.NAVIGATION,
    users.NAVIGATION,
    audit.NAVIGATION,
    account.NAVIGATION,
)
