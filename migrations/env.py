"""Runs migrations on the connection that ``bot.db.migrate`` hands over."""

from alembic import context
from bot.booking import models as _booking
from bot.conversations import models as _conversations
from bot.counsellors import hours as _hours
from bot.counsellors import models as _counsellors
from bot.db.base import Base
from bot.handover import models as _handover
from bot.handover.desks import models as _desks
from bot.measures import models as _measures
from bot.measures.search import models as _search

__all__ = [
    "_booking",
    "_conversations",
    "_counsellors",
    "_desks",
    "_handover",
    "_hours",
    "_measures",
    "_search",
]


def is_modelled(name, kind, parents):
    """Full-text indexes differ between databases, so migrations make them and no model does."""
    return not (kind in ("table", "column") and name.startswith(("measure_terms", "terms_index")))


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    compare_type=True,
    include_name=is_modelled,
    # SQLite alters a table by making it anew.
    render_as_batch=connection.dialect.name == "sqlite",
    # `bot.db.migrate` begins the transaction, and SQLite alters tables within one too.
    transactional_ddl=True,
    user_module_prefix="bot.db.base.",
)
with context.begin_transaction():
    context.run_migrations()
