"""A train of hundreds of apps goes into the same columns as one app: SQLite takes any length, Postgres does not."""

from bot.store.audit import Audit, AuditEntry
from bot.store.database import Database


async def test_the_audit_row_of_five_hundred_apps(database: Database) -> None:
    names = tuple(f"service-with-a-long-name-{number}" for number in range(500))
    apps = ", ".join(names)
    chain = Audit(database)
    await chain.record(AuditEntry("requested", "U0ANA", names, "production", "p-1", {"moves": apps}))
    (row,) = await chain.rows()
    assert apps.startswith(row.app.removesuffix("…"))
    assert await chain.verify() is None
