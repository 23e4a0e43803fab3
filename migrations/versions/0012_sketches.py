"""Cells hold sketches of their members; entries wait to be sorted into cells

Revision: 0012, after 0011, of 2026-11-30 02:20:00.
"""

import sqlalchemy as sa
from alembic import op


revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Cells are made anew by the next start, where there are enough entries. Terms that
    # named the old ones stay in entries until these change, and find nothing.
    _make_cells_anew(sa.Column("members", sa.LargeBinary(), nullable=False))
    if op.get_bind().dialect.name == "postgresql":
        # Sketches do not become shorter by compression.
        op.execute("ALTER TABLE measure_cell ALTER COLUMN members SET STORAGE EXTERNAL")
    op.create_table(
        "measure_unsorted",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("vectors", sa.LargeBinary(), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_measure_unsorted")),
    )


def downgrade() -> None:
    op.drop_table("measure_unsorted")
    # Entries do not name these cells in their terms, as searches used to expect.
    _make_cells_anew()


def _make_cells_anew(*more: sa.Column) -> None:
    op.drop_index(op.f("ix_measure_cell_model"), "measure_cell")
    op.drop_table("measure_cell")
    op.create_table(
        "measure_cell",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.Column("ready", sa.Boolean(), nullable=False),
        sa.Column("centre", sa.LargeBinary(), nullable=False),
        *more,
        sa.PrimaryKeyConstraint("number", name=op.f("pk_measure_cell")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_measure_cell_model"), "measure_cell", ["model"])
