"""Every message that we post says of which app and environment it tells; those that are there learn it from the record.

Revision: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

CARD = ("threads.promotion_id", "promotion_id IN (SELECT id FROM promotions)")
COPY = ("substr(threads.promotion_id, 6)", "promotion_id LIKE 'copy-%'")
OF_PROMOTIONS = """
    UPDATE threads SET
        environment = COALESCE((SELECT p.environment FROM promotions p WHERE p.id = {subject}), ''),
        app = COALESCE((
            SELECT MIN(a.app) FROM promoted_apps a WHERE a.promotion_id = {subject}
            GROUP BY a.promotion_id HAVING COUNT(*) = 1
        ), '')
    WHERE {those}
"""
OF_NEWS = """
    UPDATE threads SET
        environment = COALESCE((
            SELECT MIN(n.environment) FROM delivery_notices s JOIN delivery_news n ON n.id = s.news_id
            WHERE s.bundle = threads.promotion_id AND n.event <> 'journey'
            GROUP BY s.bundle HAVING COUNT(DISTINCT n.environment) = 1
        ), ''),
        app = COALESCE((
            SELECT MIN(n.app) FROM delivery_notices s JOIN delivery_news n ON n.id = s.news_id
            WHERE s.bundle = threads.promotion_id
            GROUP BY s.bundle HAVING COUNT(DISTINCT n.app) = 1
        ), '')
    WHERE promotion_id IN (SELECT bundle FROM delivery_notices)
"""


def upgrade() -> None:
    for name, length in (("app", 255), ("environment", 64)):
        op.add_column("threads", sa.Column(name, sa.String(length), server_default="", nullable=False))
    for subject, those in (CARD, COPY):
        op.execute(OF_PROMOTIONS.format(subject=subject, those=those))
    op.execute(OF_NEWS)


def downgrade() -> None:
    with op.batch_alter_table("threads", schema=None) as batch_op:
        batch_op.drop_column("environment")
        batch_op.drop_column("app")
