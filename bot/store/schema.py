"""Every table, and how a database is brought to have them."""

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from bot.store import (  # noqa: F401 (each brings its tables)
    audit,
    delegations,
    deliveries,
    delivery_news,
    followed_runs,
    freezes,
    group_handles,
    leases,
    locks,
    mutes,
    outbox,
    parsed_overlays,
    promotions,
    queue,
    rejections,
    replicas,
    requests,
    reviews,
    started_runs,
    subscriptions,
    threads,
    webhooks,
)
from bot.store.database import Database, metadata

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["metadata", "migrate", "newest", "revision", "revisions"]

MIGRATIONS = Path(__file__).parent / "migrations"
NOTED_IN = sa.table("alembic_version", sa.column("version_num"))
"""Alembic's own table. Alembic takes a sixth of a second and 10 MiB to load, and mostly there is nothing to migrate."""
MIGRATION_LOCK = 0x9171
"""Key of the Postgres advisory lock under which replicas migrate one after another."""


async def migrate(database: Database) -> None:
    """Bring the database to this version's schema; a database that has it is left alone, without loading Alembic.

    Raises DatabaseAway.
    """
    async with database.begin() as connection:
        if not database.sqlite:
            await connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        if await connection.run_sync(_revision) != newest():
            await connection.run_sync(_upgrade)


async def revision(database: Database) -> str:
    """What the database was last brought up to; "" for one that never was."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(_revision)


def newest() -> str:
    """The revision that this version's tables are of. Files of migrations begin with theirs."""
    return max(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def revisions() -> tuple[str, ...]:
    """Those that this version knows, the newest first."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_config())
    return tuple(script.revision for script in scripts.walk_revisions())


def _revision(connection: sa.Connection) -> str:
    if not sa.inspect(connection).has_table(NOTED_IN.name):
        return ""
    return str(connection.execute(sa.select(NOTED_IN.c.version_num)).scalar() or "")


def _upgrade(connection: sa.Connection, to: str = "head") -> None:
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
