"""A rotated user or password is taken from its file at the next connection, against a real Postgres."""

import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from bot.domain.errors import DatabaseAway
from bot.store.database import Database
from bot.store.login import VANISHED, Login
from bot.store.schema import migrate
from bot.workflow.journal_outage import JournalCheck

HBA = "local all rotating,rotated scram-sha-256\nhost all rotating,rotated all scram-sha-256\n"


class Server:
    """A database that asks for a password, its owner, and the file that is mounted."""

    def __init__(self, url: str, file: Path) -> None:
        self._url, self._file = url, file
        self._ask("CREATE ROLE rotating LOGIN PASSWORD 'old'")
        self._ask(f"GRANT ALL ON DATABASE {sa.make_url(url).database} TO rotating")
        self._ask("GRANT ALL ON SCHEMA public TO rotating")
        hba = Path(str(self._ask("SHOW hba_file")))
        self._before = (hba, hba.read_text())
        hba.write_text(HBA + hba.read_text())
        self._reload()

    def mounts(self, user: str, password: str) -> str:
        found = sa.make_url(self._url).set(username=user, password=password).render_as_string(hide_password=False)
        self._file.write_text(f"{found}\n")
        return found

    def rotates(self, statement: str) -> None:
        """Open connections are ended, as after a failover: new ones must be made with what holds now."""
        self._ask(statement)
        self._ask(
            "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE usename IN ('rotating', 'rotated')"
        )

    def end(self) -> None:
        hba, before = self._before
        hba.write_text(before)
        self._reload()
        for role in ("rotated", "rotating"):
            self._ask(f"DO $$ BEGIN DROP OWNED BY {role}; EXCEPTION WHEN undefined_object THEN END $$")
            self._ask(f"DROP ROLE IF EXISTS {role}")

    def _reload(self) -> None:
        """Until new connections find it so: the server is only asked to."""
        before = self._ask("SELECT pg_conf_load_time()")
        self._ask("SELECT pg_reload_conf()")
        deadline = time.monotonic() + 300
        while self._ask("SELECT pg_conf_load_time()") == before:
            assert time.monotonic() < deadline, "the server does not read its configuration again"
            time.sleep(0.01)

    def _ask(self, statement: str) -> object:
        with psycopg.connect(self._url, autocommit=True) as connection:
            answer = connection.execute(statement.encode())
            return next(iter(answer.fetchone() or ()), None) if answer.description else None


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "database_url"


@pytest.fixture
def server(new_postgres: Callable[[], str], file: Path):  # type: ignore[no-untyped-def]
    server = Server(new_postgres(), file)
    yield server
    server.end()


ROTATIONS = {
    "the password": ("ALTER ROLE rotating PASSWORD 'new'", "rotating"),
    "the user, as dynamic secrets do": ("CREATE ROLE rotated LOGIN PASSWORD 'new' IN ROLE rotating", "rotated"),
}


@pytest.mark.parametrize("rotation", ROTATIONS)
async def test_a_rotated_login_needs_no_restart(server: Server, file: Path, rotation: str) -> None:
    url = server.mounts("rotating", "old")
    login = Login(url, file)
    database, journal = Database(url, login), sa.create_engine("postgresql+psycopg://", creator=login.connect)
    try:
        await migrate(database)
        statement, user = ROTATIONS[rotation]
        if user == "rotating":
            server.rotates(statement)
            with pytest.raises(DatabaseAway):  # the server has the new one, the file not yet
                async with database.reading() as connection:
                    await connection.execute(sa.text("SELECT 1"))
            server.mounts(user, "new")
        else:
            server.rotates(statement)
            server.mounts(user, "new")
            server.rotates("ALTER ROLE rotating NOLOGIN")
        async with database.begin() as connection:
            assert (await connection.execute(sa.text("SELECT current_user"))).scalar_one() == user
        async with database.begin(urgent=True) as connection:
            assert (await connection.execute(sa.text("SELECT current_user"))).scalar_one() == user
        with journal.connect() as journalling:
            assert journalling.execute(sa.text("SELECT current_user")).scalar_one() == user
        JournalCheck().check(url, login)
    finally:
        journal.dispose()
        await database.close()


async def test_a_start_with_the_old_password_waits_for_the_file(server: Server, file: Path) -> None:
    url = server.mounts("rotating", "stale")
    database = Database(url, Login(url, file))
    try:
        with pytest.raises(DatabaseAway):
            await migrate(database)
        server.mounts("rotating", "old")
        await migrate(database)
    finally:
        await database.close()


@pytest.mark.parametrize("own", ["", "keepalives_idle=99"])
async def test_a_server_that_vanishes_is_found_out_in_half_a_minute(
    new_postgres: Callable[[], str], file: Path, own: str
) -> None:
    """By every connection; TCP by itself waits for a quarter of an hour, and longer where it only listens."""
    url = sa.make_url(new_postgres()).update_query_string(own)
    said = url.render_as_string(hide_password=False)
    database, journal = Database(said), sa.create_engine("postgresql+psycopg://", creator=Login(said, file).connect)
    expected = {name: str(value) for name, value in VANISHED.items()} | dict(
        url.query.items() & {("keepalives_idle", "99")}
    )
    try:
        async with database.reading() as connection, database.begin(urgent=True) as urgent:
            drivers = [await one.get_raw_connection() for one in (connection, urgent)]
            found = [driver.driver_connection.info.get_parameters() for driver in drivers]  # type: ignore[union-attr]
        with journal.connect() as journalling:
            found.append(journalling.connection.driver_connection.info.get_parameters())  # type: ignore[union-attr]
    finally:
        journal.dispose()
        await database.close()
    for parameters in found:
        assert {name: parameters.get(name) for name in VANISHED} == expected


HERE = "postgresql://ana:one@db.example:5432/pilothouse?sslmode=require"


@pytest.mark.parametrize(
    "content",
    [
        "postgresql://ana:two@other.example:5432/pilothouse?sslmode=require",
        "postgresql://ana:two@db.example:6432/pilothouse?sslmode=require",
        "postgresql://ana:two@db.example:5432/another?sslmode=require",
        "postgresql://ana:two@db.example:5432/pilothouse",
        "sqlite:///pilothouse.db",
        "",
        "half a wri",
        "postgresql://ana:two@db.example:port/pilothouse",
    ],
)
def test_another_place_or_half_a_file_changes_nothing(file: Path, content: str) -> None:
    file.write_text(content)
    assert Login(HERE, file).url() == sa.make_url(HERE)


def test_a_file_that_is_gone_for_a_moment_changes_nothing(file: Path) -> None:
    login = Login(HERE, file)
    file.write_text(HERE.replace("one", "two"))
    assert login.url().password == "two"
    file.unlink()
    assert login.url().password == "two"
