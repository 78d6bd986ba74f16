"""Subscriptions to news, and mutes of news.

Revision: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def scope() -> list[sa.Column[str]]:
    return [
        sa.Column("listener", sa.String(length=255), nullable=False),
        sa.Column("app", sa.String(length=255), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "news_subscriptions",
        *scope(),
        sa.Column("annotated", sa.Boolean(), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint(
            "listener", "app", "environment", "event", "annotated", name=op.f("pk_news_subscriptions")
        ),
    )
    op.create_table(
        "news_mutes",
        *scope(),
        sa.Column("until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("listener", "app", "environment", "event", name=op.f("pk_news_mutes")),
    )


def downgrade() -> None:
    op.drop_table("news_mutes")
    op.drop_table("news_subscriptions")
