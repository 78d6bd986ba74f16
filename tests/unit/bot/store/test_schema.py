"""What the migrations make is what the tables say, on both databases."""

from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from bot.store.database import Database
from bot.store.schema import metadata, migrate, revisions


def differences(connection: sa.Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))


async def test_migrations_and_tables_agree(database: Database) -> None:
    await migrate(database)  # once more than the fixture did
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_comparison_sees_a_difference(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    await migrate(database)
    async with database.begin() as connection:
        await connection.execute(sa.text("DROP TABLE freezes"))
    async with database.engine.connect() as connection:
        assert len(await connection.run_sync(differences)) > 0
    await database.close()


def test_each_migration_follows_the_one_before() -> None:
    """Two that were written side by side would each claim the same place."""
    known = revisions()
    assert list(known) == [f"{number:04}" for number in range(len(known), 0, -1)]
