"""A journal that cannot be written is waited for.

DBOS 3.4 waits, for as long as it takes, where a connection is lost or SQLite says that it is locked. Anything else (a
read-only server after a failover, a full disk, a right that was taken away) it raises into the story, which breaks off
and cannot even write that down. SQLAlchemy lets us say that these are lost connections, too.
"""

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from bot.store.login import Login
from bot.store.outage import Outage, away

JOURNAL = "pilothouse-journal"
"""the engine's logging name, by which it is told apart from that of the tables"""
DBOS_KNOWS = ("40", "55P03", "57014")
"""SQLSTATE: serialization failures, a lock that is taken (NOWAIT), a cancelled query: DBOS has its own answers"""
MISTAKES = ("42P", "42703", "42601")
"""SQLSTATE: a table or column that is not there, which is how it finds out what there is to migrate"""

ASK_POSTGRES = """DO $$ BEGIN
  IF current_setting('transaction_read_only')::bool THEN
    RAISE read_only_sql_transaction USING MESSAGE = 'the server is read-only';
  END IF;
END $$"""
CHECK_SECONDS = 2
"""for the connection, and for SQLite's write lock"""


class JournalCheck:
    """Asks before the engine is brought up, which would block its caller for as long as the journal is away."""

    def __init__(self) -> None:
        self._outage = Outage("written (the durable journal)")

    def check(self, url: str, login: Login | None = None) -> None:
        """Raises DatabaseAway while the journal cannot be written; told in the log once a minute. Blocks."""
        try:
            _write(url, login)
        except DBAPIError as error:
            raise self._outage.begin(error) from error
        self._outage.end()


def _write(url: str, login: Login | None) -> None:
    """A transaction that may write, and does not. Raises DBAPIError."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        wanted, how, wait = parsed, "BEGIN IMMEDIATE", {"timeout": CHECK_SECONDS, "isolation_level": None}
    else:
        how = ASK_POSTGRES
        wanted, wait = parsed.set(drivername="postgresql+psycopg"), {"connect_timeout": CHECK_SECONDS}
    engine = sa.create_engine(wanted, poolclass=NullPool, connect_args=wait)
    if login:
        login.follow(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql(how)
        connection.rollback()


def wait_for_the_journal() -> None:
    """For every engine of that name. Asking twice is asking once."""
    if not sa.event.contains(sa.Engine, "handle_error", _call_it_lost):
        sa.event.listen(sa.Engine, "handle_error", _call_it_lost)


def _call_it_lost(context: sa.engine.interfaces.ExceptionContext) -> None:
    if context.engine is None or context.engine.logging_name != JOURNAL:
        return
    error = context.sqlalchemy_exception
    if error is not None and away(error) and not _is_an_answer(error):
        context.is_disconnect = True


def _is_an_answer(error: Exception) -> bool:
    """What means something to DBOS: told by SQLSTATE, or by SQLite in words."""
    original = getattr(error, "orig", None)
    if state := getattr(original, "sqlstate", None):
        return str(state).startswith((*DBOS_KNOWS, *MISTAKES))
    if not isinstance(error, OperationalError):
        return True
    return str(original).startswith(("no such", "near ", "database is locked", "duplicate column", "table "))
