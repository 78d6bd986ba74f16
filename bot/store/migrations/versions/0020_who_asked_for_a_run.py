"""Who asked for a pipeline run is on record. Of runs that were started before, nobody knows.

Revision: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "started_runs",
        sa.Column("run", sa.String(length=253), nullable=False),
        sa.Column("requester", sa.String(length=255), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_started_runs")),
    )
    op.create_index(op.f("ix_started_runs_at"), "started_runs", ["at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_started_runs_at"), table_name="started_runs")
    op.drop_table("started_runs")
