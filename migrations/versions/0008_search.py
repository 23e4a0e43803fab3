"""Search entries with their full-text index, and cells of like meaning

Revision: 0008, after 0007, of 2026-11-29 23:10:00.
"""

import bot.db.base
import sqlalchemy as sa
from alembic import op


revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# The index reads the terms in the table itself; triggers tell it what changed.
SQLITE = (
    "CREATE VIRTUAL TABLE measure_terms USING fts5("
    "terms, content='measure_search', content_rowid='number', detail='none',"
    " tokenize=\"unicode61 remove_diacritics 0 tokenchars '_'\")",
    "CREATE TRIGGER measure_terms_added AFTER INSERT ON measure_search BEGIN"
    " INSERT INTO measure_terms(rowid, terms) VALUES (new.number, new.terms); END",
    "CREATE TRIGGER measure_terms_removed AFTER DELETE ON measure_search BEGIN"
    " INSERT INTO measure_terms(measure_terms, rowid, terms)"
    " VALUES ('delete', old.number, old.terms); END",
    "CREATE TRIGGER measure_terms_changed AFTER UPDATE OF terms ON measure_search BEGIN"
    " INSERT INTO measure_terms(measure_terms, rowid, terms)"
    " VALUES ('delete', old.number, old.terms);"
    " INSERT INTO measure_terms(rowid, terms) VALUES (new.number, new.terms); END",
)
POSTGRESQL = (
    "ALTER TABLE measure_search ADD COLUMN terms_index tsvector"
    " GENERATED ALWAYS AS (array_to_tsvector(string_to_array(terms, ' '))) STORED",
    "CREATE INDEX ix_measure_search_terms ON measure_search USING gin (terms_index)",
    # The most frequent terms are facts; words need room beside them.
    "ALTER TABLE measure_search ALTER COLUMN terms_index SET STATISTICS 1000",
)


def upgrade() -> None:
    op.create_table(
        "measure_search",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("measure_id", sa.String(length=36), nullable=False),
        sa.Column("measure_updated_at", bot.db.base.UTCDateTime(timezone=True), nullable=False),
        sa.Column("provider", sa.String(length=36), nullable=False),
        sa.Column("fresh_on", sa.Date(), nullable=True),
        sa.Column("positions", sa.JSON(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("vectors", sa.LargeBinary(), nullable=False),
        sa.Column("texts_hash", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["measure_id"],
            ["measure.id"],
            name=op.f("fk_measure_search_measure_id_measure"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_measure_search")),
        sa.UniqueConstraint("measure_id", name=op.f("uq_measure_search_measure_id")),
    )
    op.create_index("ix_measure_search_model", "measure_search", ["model"])
    op.create_table(
        "measure_cell",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.Column("centre", sa.LargeBinary(), nullable=False),
        sa.Column("ready", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_measure_cell")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_measure_cell_model"), "measure_cell", ["model"])
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE if sqlite else POSTGRESQL:
        op.execute(statement)
    # Vectors now stand in the entries, which are made anew at the next start.
    with op.batch_alter_table("measure", schema=None) as batch_op:
        batch_op.drop_column("embedding")
        batch_op.drop_column("embedding_model")


def downgrade() -> None:
    with op.batch_alter_table("measure", schema=None) as batch_op:
        batch_op.add_column(sa.Column("embedding", sa.LargeBinary(), nullable=True))
        batch_op.add_column(
            sa.Column("embedding_model", sa.String(length=80), nullable=False, server_default="")
        )
    with op.batch_alter_table("measure", schema=None) as batch_op:
        batch_op.alter_column("embedding_model", server_default=None)
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE measure_terms")
    op.drop_table("measure_cell")
    op.drop_table("measure_search")
