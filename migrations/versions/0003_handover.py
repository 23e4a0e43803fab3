"""The moves of a handover: queues, journal, labels, and who has it

Revision: 0003, after 0002.
"""

import bot.db.base
import sqlalchemy as sa
from alembic import op


revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OPEN = sa.text("state != 'closed'")
# SQLite makes the table anew; without this it would give numbers away again.
KEEP_NUMBERS = {"sqlite_autoincrement": True}


def upgrade() -> None:
    op.create_table(
        "handover_queue",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_handover_queue_organization_id_organization"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover_queue")),
        sa.UniqueConstraint("name", name=op.f("uq_handover_queue_name")),
    )
    op.create_index(
        op.f("ix_handover_queue_organization_id"), "handover_queue", ["organization_id"]
    )
    with op.batch_alter_table("handover", table_kwargs=KEEP_NUMBERS) as batch_op:
        batch_op.add_column(sa.Column("topic", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("organization_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("queue_id", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column("languages", sa.JSON(), nullable=False, server_default=sa.text("'[]'"))
        )
        batch_op.add_column(sa.Column("claimed_on", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("claimant", sa.String(length=80), nullable=True))
        batch_op.add_column(
            sa.Column("call_wanted", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(sa.Column("outcome", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("rating", sa.Integer(), nullable=True))
        for name in ("waiting_since", "snoozed_until", "next_alert_at"):
            batch_op.add_column(
                sa.Column(name, bot.db.base.UTCDateTime(timezone=True), nullable=True)
            )
        batch_op.create_index("ix_handover_claimant", ["claimed_on", "claimant"])
        batch_op.create_index(batch_op.f("ix_handover_queue_id"), ["queue_id"])
        batch_op.create_index(
            "uq_handover_open",
            ["conversation_id"],
            unique=True,
            sqlite_where=OPEN,
            postgresql_where=OPEN,
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_handover_organization_id_organization"),
            "organization",
            ["organization_id"],
            ["id"],
            ondelete="SET NULL",
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_handover_queue_id_handover_queue"),
            "handover_queue",
            ["queue_id"],
            ["id"],
            ondelete="SET NULL",
        )
    op.execute("UPDATE handover SET claimed_on = 'command line' WHERE claimed_by IS NOT NULL")
    op.execute(
        "UPDATE handover SET waiting_since = requested_at "
        "WHERE state != 'closed' AND first_reply_at IS NULL"
    )
    op.create_table(
        "handover_label",
        sa.Column("handover_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["handover_id"],
            ["handover.id"],
            name=op.f("fk_handover_label_handover_id_handover"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("handover_id", "name", name=op.f("pk_handover_label")),
    )
    op.create_index(op.f("ix_handover_label_name"), "handover_label", ["name"])
    _create_journal()


def _create_journal() -> None:
    op.create_table(
        "handover_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("handover_id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("at", bot.db.base.UTCDateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("desk", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.String(length=80), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("inbox_message_id", sa.Integer(), nullable=True),
        sa.Column("outbox_message_id", sa.Integer(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [f"{table}_id"],
                [f"{table}.id"],
                name=op.f(f"fk_handover_event_{table}_id_{table}"),
                ondelete="CASCADE",
            )
            for table in ("conversation", "handover", "inbox_message", "outbox_message")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover_event")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_handover_event_conversation", "handover_event", ["conversation_id", "id"])
    for column in ("handover_id", "inbox_message_id", "outbox_message_id"):
        op.create_index(op.f(f"ix_handover_event_{column}"), "handover_event", [column])


def downgrade() -> None:
    op.drop_table("handover_event")
    op.drop_table("handover_label")
    op.execute(
        "UPDATE handover SET state = 'claimed' WHERE state IN ('for_newcomer', 'for_counsellor')"
    )
    with op.batch_alter_table("handover", table_kwargs=KEEP_NUMBERS) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("fk_handover_queue_id_handover_queue"), type_="foreignkey"
        )
        batch_op.drop_constraint(
            batch_op.f("fk_handover_organization_id_organization"), type_="foreignkey"
        )
        batch_op.drop_index("uq_handover_open", sqlite_where=OPEN, postgresql_where=OPEN)
        batch_op.drop_index(batch_op.f("ix_handover_queue_id"))
        batch_op.drop_index("ix_handover_claimant")
        for name in (
            *("next_alert_at", "snoozed_until", "waiting_since", "rating", "outcome"),
            *("call_wanted", "claimant", "claimed_on", "languages", "queue_id"),
            *("organization_id", "topic"),
        ):
            batch_op.drop_column(name)
    op.drop_table("handover_queue")
