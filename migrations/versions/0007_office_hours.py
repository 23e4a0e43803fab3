"""Office hours, absences, and who answers in which queue

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op


revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _refers_to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"), ondelete="CASCADE"
    )


def upgrade() -> None:
    op.create_table(
        "office_hours",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=True),
        sa.Column("queue_id", sa.Integer(), nullable=True),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.CheckConstraint("opens < closes", name=op.f("ck_office_hours_opens_before_it_closes")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_office_hours_weekday")),
        sa.CheckConstraint(
            "account_id IS NULL OR queue_id IS NULL", name=op.f("ck_office_hours_one_owner")
        ),
        _refers_to("office_hours", "account_id", "account"),
        _refers_to("office_hours", "queue_id", "handover_queue"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_hours")),
    )
    op.create_index(op.f("ix_office_hours_account_id"), "office_hours", ["account_id"])
    op.create_index(op.f("ix_office_hours_queue_id"), "office_hours", ["queue_id"])
    op.create_table(
        "absence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.CheckConstraint("starts_on <= ends_on", name=op.f("ck_absence_starts_before_it_ends")),
        _refers_to("absence", "account_id", "account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
    )
    op.create_index(op.f("ix_absence_account_id"), "absence", ["account_id"])
    op.create_table(
        "handover_queue_member",
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        _refers_to("handover_queue_member", "queue_id", "handover_queue"),
        _refers_to("handover_queue_member", "account_id", "account"),
        sa.PrimaryKeyConstraint("queue_id", "account_id", name=op.f("pk_handover_queue_member")),
    )
    op.create_index(
        op.f("ix_handover_queue_member_account_id"), "handover_queue_member", ["account_id"]
    )


def downgrade() -> None:
    op.drop_table("handover_queue_member")
    op.drop_table("absence")
    op.drop_table("office_hours")
