"""Each row of the audit says by which version it is hashed; a review names its apps one by one.

Revision: 0013
Revises: 0012
"""

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

reviews = sa.table("reviews", sa.column("promotion_id", sa.String), sa.column("state", sa.Text))


def upgrade() -> None:
    """A review keeps `app` as well: a replica of the version before may still read it."""
    op.add_column("audit", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    _rewrite(lambda state: {**state, "apps": state["app"].split(", ")})


def downgrade() -> None:
    _rewrite(lambda state: {"app": ", ".join(state.pop("apps")), **state})
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_column("version")


def _rewrite(changed: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(reviews)).all():
        state = json.dumps(changed(json.loads(row.state)))
        same = reviews.c.promotion_id == row.promotion_id
        connection.execute(reviews.update().where(same).values(state=state))
