"""What a message is about: looked up by its time.

Revision: 0016
Revises: 0015
"""

from alembic import op

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_threads_ts', 'threads', ['ts'])


def downgrade() -> None:
    op.drop_index('ix_threads_ts', table_name='threads')
