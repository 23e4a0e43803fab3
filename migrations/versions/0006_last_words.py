"""An index that finds what was said last in a conversation

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_outbox_message_conversation", "outbox_message", ["conversation_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_outbox_message_conversation", table_name="outbox_message")
