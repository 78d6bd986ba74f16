"""A message follows a pipeline run, and not another one that has its name. Of those that are followed nobody knows.

Revision: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("followed_runs", sa.Column("uid", sa.String(64), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("followed_runs", schema=None) as batch_op:
        batch_op.drop_column("uid")
