"""An entry of the outbox names its apps one by one; promotion, event, channel and round tell it from others.

Revision: 0021
Revises: 0020
"""

import json
from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

LONGEST = 255
"""characters of the column before: of a longer text the end is lost"""
ONCE = ["promotion_id", "event", "channel", "round"]
outbox = sa.table(
    "outbox",
    sa.column("id", sa.Integer),
    sa.column("app", sa.String),
    sa.column("apps", sa.Text),
    *(sa.column(name, sa.String) for name in ONCE),
)
promoted = sa.table("promoted_apps", sa.column("promotion_id", sa.String), sa.column("app", sa.String))


def upgrade() -> None:
    """`app` stays: a replica of the version before may still read it, and write it."""
    op.add_column("outbox", sa.Column("apps", sa.Text(), server_default="[]", nullable=False))
    _name_apps()
    _keep_the_first()
    with op.batch_alter_table("outbox") as table:
        table.drop_constraint(op.f("uq_outbox_app"), type_="unique")
        table.create_unique_constraint(op.f("uq_outbox_promotion_id"), ONCE)
        table.alter_column("app", existing_type=sa.String(LONGEST), existing_nullable=False, server_default="")


def downgrade() -> None:
    connection = op.get_bind()
    for apps in connection.execute(sa.select(outbox.c.apps).distinct()).scalars().all():
        text = ", ".join(json.loads(apps))[:LONGEST]
        connection.execute(outbox.update().where(outbox.c.apps == apps).values(app=text))
    with op.batch_alter_table("outbox") as table:
        table.drop_constraint(op.f("uq_outbox_promotion_id"), type_="unique")
        table.create_unique_constraint(op.f("uq_outbox_app"), ["app", "environment", *ONCE])
        table.alter_column("app", existing_type=sa.String(LONGEST), existing_nullable=False, server_default=None)
        table.drop_column("apps")


def _name_apps() -> None:
    connection = op.get_bind()
    for text in connection.execute(sa.select(outbox.c.app).where(outbox.c.app != "").distinct()).scalars().all():
        same, names = outbox.c.app == text, text.split(", ")
        if len(text) < LONGEST or len(names) == 1:
            connection.execute(outbox.update().where(same).values(apps=_json(names)))
            continue
        for subject in connection.execute(sa.select(outbox.c.promotion_id).where(same).distinct()).scalars().all():
            query = sa.select(promoted.c.app).where(promoted.c.promotion_id == subject).order_by(promoted.c.app)
            known = connection.execute(query).scalars().all() or names[:-1]
            mine = same & (outbox.c.promotion_id == subject)
            connection.execute(outbox.update().where(mine).values(apps=_json(known)))


def _keep_the_first() -> None:
    """No version has put two that differ by their apps or environment alone: if there are such, one of them goes."""
    first = sa.select(sa.func.min(outbox.c.id)).group_by(*(outbox.c[name] for name in ONCE))
    op.get_bind().execute(outbox.delete().where(outbox.c.id.not_in(first)))


def _json(names: Iterable[str]) -> str:
    return json.dumps(list(names), ensure_ascii=False, separators=(",", ":"))
