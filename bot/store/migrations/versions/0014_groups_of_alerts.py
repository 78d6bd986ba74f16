"""The alerts of one group share a message.

Revision: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "told_alerts",
        sa.Column("message", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("message", "fingerprint", name=op.f("pk_told_alerts")),
    )
    op.create_index(op.f("ix_told_alerts_at"), "told_alerts", ["at"])
    op.create_table(
        "alert_groups",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("message", sa.String(length=64), nullable=False),
        sa.Column("begun_at", sa.Float(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_alert_groups")),
    )
    op.create_index(op.f("ix_alert_groups_at"), "alert_groups", ["at"])


def downgrade() -> None:
    op.drop_table("alert_groups")
    op.drop_table("told_alerts")
