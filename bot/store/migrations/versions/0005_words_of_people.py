"""What people say holds promotions back: freezes, rejected images; and who speaks for whom.

Revision: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('delegations',
    sa.Column('absent_id', sa.String(length=32), nullable=False),
    sa.Column('delegate_id', sa.String(length=32), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('absent_id', name=op.f('pk_delegations'))
    )
    with op.batch_alter_table('delegations', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_delegations_delegate_id'), ['delegate_id'], unique=False)

    op.create_table('freezes',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('app', sa.String(length=255), nullable=False),
    sa.Column('environment', sa.String(length=64), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_freezes'))
    )
    with op.batch_alter_table('freezes', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_freezes_environment'), ['environment'], unique=False)

    op.create_table('rejections',
    sa.Column('app', sa.String(length=255), nullable=False),
    sa.Column('digest', sa.String(length=80), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('app', 'digest', name=op.f('pk_rejections'))
    )


def downgrade() -> None:
    op.drop_table('rejections')
    with op.batch_alter_table('freezes', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_freezes_environment'))

    op.drop_table('freezes')
    with op.batch_alter_table('delegations', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_delegations_delegate_id'))

    op.drop_table('delegations')
