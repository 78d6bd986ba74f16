"""A journal that cannot be written is waited for.

DBOS 3.4 waits, for as long as it takes, where a connection is lost or SQLite says that it is locked. Anything else (a
read-only server after a failover, a full disk, a right that was taken away) it raises into the story, which breaks off
and cannot even write that down. SQLAlchemy lets us say that these are lost connections, too.
"""

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from bot.store.outage import away

JOURNAL = "pilothouse-journal"
"""the engine's logging name, by which it is told apart from that of the tables"""
DBOS_KNOWS = ("40", "55P03", "57014")
"""SQLSTATE: serialization failures, a lock that is taken (NOWAIT), a cancelled query: DBOS has its own answers"""
MISTAKES = ("42P", "42703", "42601")
"""SQLSTATE: a table or column that is not there, which is how it finds out what there is to migrate"""


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
