"""The delivery record: facts, and how far each observer has read.

Revision: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('delivery_facts',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('key', sa.String(length=255), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('app', sa.String(length=255), nullable=False),
    sa.Column('environment', sa.String(length=64), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery_facts')),
    sa.UniqueConstraint('key', name=op.f('uq_delivery_facts_key'))
    )
    with op.batch_alter_table('delivery_facts', schema=None) as batch_op:
        batch_op.create_index('ix_delivery_facts_app_environment_at', ['app', 'environment', 'at'], unique=False)
        batch_op.create_index('ix_delivery_facts_environment_at', ['environment', 'at'], unique=False)
        batch_op.create_index('ix_delivery_facts_kind_at', ['kind', 'at'], unique=False)

    op.create_table('delivery_positions',
    sa.Column('observer', sa.String(length=64), nullable=False),
    sa.Column('position', sa.String(length=255), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    sa.PrimaryKeyConstraint('observer', name=op.f('pk_delivery_positions'))
    )


def downgrade() -> None:
    op.drop_table('delivery_positions')
    op.drop_table('delivery_facts')
