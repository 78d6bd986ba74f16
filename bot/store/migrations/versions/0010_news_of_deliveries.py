"""News of deliveries, and the messages in which they are told.

Revision: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('delivery_news',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('key', sa.String(length=255), nullable=False),
    sa.Column('event', sa.String(length=16), nullable=False),
    sa.Column('app', sa.String(length=255), nullable=False),
    sa.Column('environment', sa.String(length=64), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.Column('noted_at', sa.Float(), nullable=False),
    sa.Column('addressed', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery_news')),
    sa.UniqueConstraint('key', name=op.f('uq_delivery_news_key'))
    )
    with op.batch_alter_table('delivery_news', schema=None) as batch_op:
        batch_op.create_index('ix_delivery_news_app_environment_event', ['app', 'environment', 'event'], unique=False)
        batch_op.create_index('ix_delivery_news_new', ['id'], unique=False,
        sqlite_where=sa.text('NOT addressed'), postgresql_where=sa.text('NOT addressed'))

    op.create_table('delivery_notices',
    sa.Column('news_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('channel', sa.String(length=255), nullable=False),
    sa.Column('bundle', sa.String(length=64), nullable=False),
    sa.Column('shown', sa.Integer(), server_default='0', nullable=False),
    sa.ForeignKeyConstraint(['news_id'], ['delivery_news.id']),
    sa.PrimaryKeyConstraint('news_id', 'channel', name=op.f('pk_delivery_notices'))
    )
    with op.batch_alter_table('delivery_notices', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_delivery_notices_bundle'), ['bundle'], unique=False)


def downgrade() -> None:
    op.drop_table('delivery_notices')
    op.drop_table('delivery_news')
