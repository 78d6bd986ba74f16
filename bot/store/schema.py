"""Every table, and how a database is brought to have them."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from bot.store import (
    audit,
    delegations,
    deliveries,
    delivery_news,
    followed_runs,
    freezes,
    group_handles,
    leases,
    locks,
    messages,
    mutes,
    promotions,
    queue,
    rejections,
    replicas,
    requests,
    reviews,
    subscriptions,
    webhooks,
)
from bot.store.database import Database, metadata

TABLES = (
    audit,
    delegations,
    deliveries,
    delivery_news,
    followed_runs,
    freezes,
    group_handles,
    leases,
    locks,
    messages,
    mutes,
    promotions,
    queue,
    rejections,
    replicas,
    requests,
    reviews,
    subscriptions,
    webhooks,
)

__all__ = ["TABLES", "metadata", "migrate", "revision", "revisions"]

MIGRATION_LOCK = 0x9171
"""Key of the Postgres advisory lock under which replicas migrate one after another."""


async def migrate(database: Database) -> None:
    """Bring the database to this version's schema; a database that has it is left alone.

    Raises DatabaseAway.
    """
    async with database.begin() as connection:
        if not database.sqlite:
            await connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        await connection.run_sync(_upgrade)


async def revision(database: Database) -> str:
    """What the database was last brought up to; "" for one that never was."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision() or "")


def revisions() -> tuple[str, ...]:
    """Those that this version knows, the newest first."""
    scripts = ScriptDirectory.from_config(_config())
    return tuple(script.revision for script in scripts.walk_revisions())


def _upgrade(connection: sa.Connection, to: str = "head") -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
