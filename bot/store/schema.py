"""Every table, and how a database is brought to have them."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from bot.store import audit, locks, messages, promotions, replicas, requests, reviews
from bot.store.database import Database, metadata

TABLES = (audit, locks, messages, promotions, replicas, requests, reviews)

__all__ = ["TABLES", "metadata", "migrate"]

MIGRATION_LOCK = 0x9171
"""Key of the Postgres advisory lock under which replicas migrate one after another."""


async def migrate(database: Database) -> None:
    """Bring the database to this version's schema; a database that has it is left alone."""
    async with database.engine.begin() as connection:
        if not database.sqlite:
            await connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        await connection.run_sync(_upgrade)


def _upgrade(connection: sa.Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
