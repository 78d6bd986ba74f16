"""What overlays pin, by their content.

Revision: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'parsed_overlays',
        sa.Column('content', sa.String(64), primary_key=True),
        sa.Column('reader', sa.String(64), primary_key=True),
        sa.Column('images', sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table('parsed_overlays')
