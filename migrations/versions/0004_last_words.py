"""An index that finds what was said last in a conversation

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_outbox_message_conversation", "outbox_message", ["conversation_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_outbox_message_conversation", table_name="outbox_message")
