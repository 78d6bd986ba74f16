"""How Alembic runs here: on the connection that it is handed, or (for `alembic revision`) on a file named by -x url."""

import sqlalchemy as sa
from alembic import context

from bot.store.schema import metadata


def run(connection: sa.Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


if given := context.config.attributes.get("connection"):
    run(given)
else:
    with sa.create_engine(context.get_x_argument(as_dictionary=True)["url"]).begin() as opened:
        run(opened)
