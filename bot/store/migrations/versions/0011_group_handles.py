"""Which user group had a handle first.

Revision: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "group_handles",
        sa.Column("handle", sa.String(length=255), nullable=False),
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("handle", name=op.f("pk_group_handles")),
    )


def downgrade() -> None:
    op.drop_table("group_handles")
