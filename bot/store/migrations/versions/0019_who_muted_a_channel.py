"""A channel's mute says who set it, and holds only while they may. Of those that are there nobody knows: they end.

Revision: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("news_mutes", sa.Column("by", sa.String(32), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("news_mutes", schema=None) as batch_op:
        batch_op.drop_column("by")
