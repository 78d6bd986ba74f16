"""What people ask through Slack is kept until it is done.

Revision: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("requests", sa.Column("kind", sa.String(length=16), server_default="", nullable=False))
    op.add_column("requests", sa.Column("body", sa.Text(), server_default="", nullable=False))
    op.add_column("requests", sa.Column("state", sa.String(length=8), server_default="done", nullable=False))
    op.add_column("requests", sa.Column("due_at", sa.Float(), server_default="0", nullable=False))
    op.add_column("requests", sa.Column("leased_until", sa.Float(), server_default="0", nullable=False))
    op.add_column("requests", sa.Column("tries", sa.Integer(), server_default="0", nullable=False))
    op.add_column("requests", sa.Column("error", sa.Text(), server_default="", nullable=False))
    pending = sa.text("state = 'pending'")
    op.create_index("ix_requests_pending", "requests", ["due_at"], sqlite_where=pending, postgresql_where=pending)


def downgrade() -> None:
    op.drop_index("ix_requests_pending", table_name="requests")
    with op.batch_alter_table("requests", schema=None) as batch_op:
        for name in ("error", "tries", "leased_until", "due_at", "state", "body", "kind"):
            batch_op.drop_column(name)
