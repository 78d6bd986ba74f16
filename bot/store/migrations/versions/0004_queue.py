"""Who waits: for their turn, for gates, for the end of runs; and events that are told once a round.

Revision: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ONCE = ["app", "environment", "promotion_id", "event", "channel"]


def upgrade() -> None:
    op.create_table(
        "promotion_queue",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("request_id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("wish", sa.Text(), nullable=False),
        sa.Column("team", sa.String(length=32), nullable=False),
        sa.Column("in_front", sa.Boolean(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotion_queue")),
        sa.UniqueConstraint("user_id", "about", name=op.f("uq_promotion_queue_user_id")),
    )
    op.create_table(
        "subscriptions",
        sa.Column("promotion_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("promotion_id", "user_id", name=op.f("pk_subscriptions")),
    )
    op.create_table(
        "followed_runs",
        sa.Column("run", sa.String(length=253), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("run", "channel", name=op.f("pk_followed_runs")),
    )
    with op.batch_alter_table("outbox") as table:
        table.add_column(sa.Column("round", sa.String(length=16), server_default="", nullable=False))
        table.drop_constraint(op.f("uq_outbox_app"), type_="unique")
        table.create_unique_constraint(op.f("uq_outbox_app"), [*ONCE, "round"])


def downgrade() -> None:
    with op.batch_alter_table("outbox") as table:
        table.drop_constraint(op.f("uq_outbox_app"), type_="unique")
        table.create_unique_constraint(op.f("uq_outbox_app"), ONCE)
        table.drop_column("round")
    op.drop_table("followed_runs")
    op.drop_table("subscriptions")
    op.drop_table("promotion_queue")
