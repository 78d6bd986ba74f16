"""What the migrations make is what the tables say, on both databases."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from bot.domain.caller import Target
from bot.domain.event import Event
from bot.ports import Posted, Rendered
from bot.store import schema
from bot.store.codec import dump
from bot.store.database import Database
from bot.store.messages import Messages
from bot.store.outbox import OutboxEntry
from bot.store.promotions import promoted_apps, promotions
from bot.store.reviews import ReviewStore, reviews
from bot.store.schema import _config, _upgrade, metadata, migrate, newest, revision, revisions


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


async def test_a_database_of_this_version_is_left_alone(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start need not load what migrates."""
    assert await revision(database) == newest() == revisions()[0]
    monkeypatch.delattr(schema, "_upgrade")
    await migrate(database)


async def test_a_database_of_an_older_version_is_brought_to_this_one(empty: Database) -> None:
    assert await revision(empty) == ""
    async with empty.begin() as connection:
        await connection.run_sync(lambda sync: _upgrade(sync, "0012"))
    assert await revision(empty) == "0012"
    await migrate(empty)
    assert await revision(empty) == newest()


NEWER_THAN_OUR_OLDEST = {
    "HAVING without GROUP BY": r"\bSELECT\b(?:(?!\bSELECT\b|\bGROUP BY\b).)*\bHAVING\b",
    "IS DISTINCT FROM": r"\bIS (NOT )?DISTINCT FROM\b",
    "RIGHT and FULL JOIN": r"\b(RIGHT|FULL) (OUTER )?JOIN\b",
    "operators on JSON": r"->",
    "unixepoch": r"\bunixepoch\(",
}
"""what SQLite has learnt since 3.35, which docs/limits.md promises"""


async def test_our_oldest_sqlite_understands_what_migrations_say(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    said: list[str] = []
    sa.event.listen(
        database.engine.sync_engine, "before_cursor_execute", lambda _connection, _cursor, text, *_: said.append(text)
    )
    await migrate(database)
    await database.close()
    assert any("UPDATE threads" in text for text in said)
    found = {
        (why, text)
        for text in said
        for why, form in NEWER_THAN_OUR_OLDEST.items()
        if re.search(form, text, re.IGNORECASE | re.DOTALL)
    }
    assert found == set()


async def test_messages_that_are_there_learn_what_they_are_about(empty: Database) -> None:
    """Cards and copies of a promotion, of a train, news of one app and of two, and what nobody knows of."""
    async with empty.begin() as connection:
        await connection.run_sync(lambda sync: _upgrade(sync, "0016"))
        for number, (subject, channel) in enumerate(MESSAGES_BEFORE):
            row = f"('{subject}', '{channel}', 'C0DEPLOY', '{number}.0')"
            await connection.execute(sa.text(f"INSERT INTO threads (promotion_id, channel, place, ts) VALUES {row}"))
        for statement in RECORD_BEFORE:
            await connection.execute(sa.text(statement))
    await migrate(empty)
    threads = Messages(empty).threads
    found = [await threads.about([Posted("C0DEPLOY", f"{number}.0")]) for number in range(len(MESSAGES_BEFORE))]
    assert dict(zip(MESSAGES_BEFORE, found, strict=True)) == MESSAGES_BEFORE


MESSAGES_BEFORE = {
    ("p-1", "C0DEPLOY"): Target("my-app", "production"),
    ("copy-p-1", "U0BO"): Target("my-app", "production"),
    ("p-2", "C0DEPLOY"): Target("", "staging"),
    ("copy-p-2", "U0BO"): Target("", "staging"),
    ("news:1:1", "C0DEPLOY"): Target("my-app", "production"),
    ("news:1:2", "C0DEPLOY"): Target("", "production"),
    ("journey:1", "U0ANA"): Target("my-app", ""),
    ("run-1", "C0DEPLOY"): Target(),
}
RECORD_BEFORE = (
    "INSERT INTO promotions (id, environment, phase, requested_at, state) VALUES "
    "('p-1', 'production', 'running', '2026-05-04', '{}'), ('p-2', 'staging', 'running', '2026-05-04', '{}')",
    "INSERT INTO promoted_apps (promotion_id, app, environment) VALUES ('p-1', 'my-app', 'production'), "
    "('p-2', 'my-app', 'staging'), ('p-2', 'payments', 'staging')",
    "INSERT INTO delivery_news (id, key, event, app, environment, state, noted_at) VALUES "
    "(1, 'a', 'deployed', 'my-app', 'production', '{}', 1), (2, 'b', 'deployed', 'payments', 'production', '{}', 1), "
    "(3, 'c', 'journey', 'my-app', 'production', '{}', 1)",
    "INSERT INTO delivery_notices (news_id, channel, bundle) VALUES (1, 'C0DEPLOY', 'news:1:1'), "
    "(1, 'C0ALL', 'news:1:2'), (2, 'C0ALL', 'news:1:2'), (3, 'U0ANA', 'journey:1')",
)


async def test_a_review_of_the_version_before_names_its_apps_one_by_one(empty: Database) -> None:
    state = {
        "promotion_id": "p-1",
        "app": "my-app, other",
        "environment": "production",
        "by": {"id": "U0DEE", "name": "dee"},
        "reason": "the site is down",
        "opened_at": "2026-05-04T14:02:00Z",
    }
    async with empty.begin() as connection:
        await connection.run_sync(lambda sync: _upgrade(sync, "0012"))
        row = {"promotion_id": "p-1", "open": True, "state": json.dumps(state)}
        await connection.execute(reviews.insert().values(row))
    await migrate(empty)
    (review,) = await ReviewStore(empty).open()
    assert review.apps == ("my-app", "other")


TRAIN = tuple(f"app-{number:02}-with-a-name" for number in range(20))
"""whose names are longer, together, than the column was"""
ENTRIES_BEFORE = {
    ("p-1", "my-app"): ("my-app",),
    ("p-2", "my-app, payments"): ("my-app", "payments"),
    ("frozen-1", ""): (),
    ("p-3", ", ".join(TRAIN)[:255]): TRAIN,
    ("queue-1", ", ".join(TRAIN)[:255]): TRAIN[:12],
}


async def test_an_entry_of_the_version_before_names_its_apps_one_by_one(empty: Database) -> None:
    """What the column had cut off is read from the promotion, where there is one: a part of a name is no app."""
    async with empty.begin() as connection:
        await connection.run_sync(lambda sync: _upgrade(sync, "0020"))
        for subject, app in ENTRIES_BEFORE:
            await connection.execute(PUT_BEFORE, {"app": app, "subject": subject, "body": dump(Rendered("news"))})
        row = {"id": "p-3", "environment": "production", "phase": "running", "state": "{}"}
        await connection.execute(promotions.insert().values(requested_at=datetime(2026, 5, 4, tzinfo=UTC), **row))
        rows = [{"promotion_id": "p-3", "app": app, "environment": "production"} for app in TRAIN]
        await connection.execute(promoted_apps.insert(), rows)
    await migrate(empty)
    found = await apps_of_entries(empty)
    assert found == {subject: apps for (subject, _), apps in ENTRIES_BEFORE.items()}


async def test_a_replica_of_the_version_before_goes_on_beside_this_one(empty: Database) -> None:
    """It reads and writes `app`. What either has put, the other puts no second time."""
    await migrate(empty)
    store, here = Messages(empty).outbox, {"app": "my-app", "subject": "p-1", "body": dump(Rendered("news"))}
    ours = OutboxEntry(("my-app", "payments"), "production", "p-2", Event.DONE, "p-2", Rendered("news"))
    async with empty.begin() as connection:
        await connection.execute(PUT_BEFORE, here)
        assert not await store.put(connection, replace(ours, promotion="p-1", channel="p-1"), 0.0)
        assert await store.put(connection, ours, 0.0)
        await connection.execute(PUT_BEFORE, {**here, "subject": "p-2"})
        read = (await connection.execute(sa.text("SELECT promotion_id, app FROM outbox ORDER BY id"))).all()
    assert [tuple(row) for row in read] == [("p-1", "my-app"), ("p-2", "")]
    assert await apps_of_entries(empty) == {"p-1": (), "p-2": ("my-app", "payments")}


async def test_entries_go_back_to_the_version_before(empty: Database) -> None:
    await migrate(empty)
    entry = OutboxEntry(("my-app", "payments"), "production", "p-1", Event.DONE, "C0DEPLOY", Rendered("news"))
    async with empty.begin() as connection:
        await Messages(empty).outbox.put(connection, entry, 0.0)
        await connection.run_sync(lambda sync: _downgrade(sync, "0020"))
        assert (await connection.execute(sa.text("SELECT app FROM outbox"))).scalars().all() == ["my-app, payments"]
    await migrate(empty)
    assert await apps_of_entries(empty) == {"p-1": ("my-app", "payments")}


def _downgrade(connection: sa.Connection, to: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.downgrade(config, to)


PUT_BEFORE = sa.text(
    "INSERT INTO outbox (app, environment, promotion_id, event, channel, threaded, broadcast, body, put_at, due_at) "
    "VALUES (:app, 'production', :subject, 'done', :subject, FALSE, FALSE, :body, 0, 0) ON CONFLICT DO NOTHING"
)


async def apps_of_entries(database: Database) -> dict[str, tuple[str, ...]]:
    due = await Messages(database).outbox.due(1.0, 10)
    return {one.entry.promotion: one.entry.apps for one in due}
