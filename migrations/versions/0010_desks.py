"""What other desks were told, what arrived from them, edited messages, reassurance

Revision: 0010, after 0009.
"""

import bot.db.base
import sqlalchemy as sa
from alembic import op


revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BEHIND = sa.text("position < latest OR conversation_id IS NULL")


def upgrade() -> None:
    op.add_column(
        "inbox_message",
        sa.Column("edited", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column(
        "handover",
        sa.Column("reassured_at", bot.db.base.UTCDateTime(timezone=True), nullable=True),
    )
    op.create_table(
        "desk_thread",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("desk", sa.String(length=20), nullable=False),
        sa.Column("conversation_id", sa.String(length=36), nullable=True),
        sa.Column("external_id", sa.String(length=80), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("latest", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", bot.db.base.UTCDateTime(timezone=True), nullable=False),
        sa.Column("lease_owner", sa.String(length=40), nullable=True),
        sa.Column("lease_until", bot.db.base.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk_desk_thread_conversation_id_conversation"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_thread")),
        sa.UniqueConstraint("desk", "conversation_id", name=op.f("uq_desk_thread_desk")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_desk_thread_conversation_id"), "desk_thread", ["conversation_id"])
    op.create_index("ix_desk_thread_external", "desk_thread", ["desk", "external_id"])
    op.create_index(
        "ix_desk_thread_behind",
        "desk_thread",
        ["desk"],
        sqlite_where=BEHIND,
        postgresql_where=BEHIND,
    )
    op.create_table(
        "desk_receipt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("desk", sa.String(length=20), nullable=False),
        sa.Column("external_id", sa.String(length=120), nullable=False),
        sa.Column("message_id", sa.String(length=80), nullable=True),
        sa.Column("outbox_message_id", sa.Integer(), nullable=True),
        sa.Column("received_at", bot.db.base.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["outbox_message_id"],
            ["outbox_message.id"],
            name=op.f("fk_desk_receipt_outbox_message_id_outbox_message"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_receipt")),
        sa.UniqueConstraint("desk", "external_id", name=op.f("uq_desk_receipt_desk")),
    )
    op.create_index("ix_desk_receipt_message", "desk_receipt", ["desk", "message_id"])
    op.create_index(
        op.f("ix_desk_receipt_outbox_message_id"), "desk_receipt", ["outbox_message_id"]
    )


def downgrade() -> None:
    op.drop_table("desk_receipt")
    op.drop_table("desk_thread")
    op.drop_column("handover", "reassured_at")
    op.drop_column("inbox_message", "edited")
