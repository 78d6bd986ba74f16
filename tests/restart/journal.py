"""The journal of a promotion that waits for its approval, as one version of the bot wrote it.

`python -m tests.restart.journal FILE` records one. Do so whenever the story changes in a release, under a new name,
and keep the older ones: what is replayed is what is waiting in people's installations.
"""

import asyncio
import json
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from bot.app.stores import journal_url
from bot.domain.promotion import Stage
from bot.store.promotions import PromotionStore
from tests.restart.cases import Case
from tests.restart.child import promotion_of
from tests.restart.process_harness import harness

JOURNALS = Path(__file__).parent / "journals"
CASE = Case("promotion")
KEY = "workflow_uuid"
"""the column that every table about a story has"""


async def record(directory: Path) -> dict[str, Any]:
    """Let a promotion come as far as the question to people, kill the process, and read what it left."""
    async with harness(directory, f"sqlite:///{directory / 'pilothouse.db'}", (CASE,)) as place:
        life = place.begin(presses=False, ends=False)
        await life.ready()
        database = place.database()
        id = promotion_of(CASE)
        await _asks_people(PromotionStore(database), id)
        life.kill()
        await life.ended()
        await database.close()
        with closing(sqlite3.connect(directory / "pilothouse.db")) as tables:
            (state,) = tables.execute("SELECT state FROM promotions WHERE id = ?", (id,)).fetchone()
        return {"promotion": json.loads(state), "journal": read(_file(place.database_url))}


async def _asks_people(store: PromotionStore, id: str) -> None:
    for _ in range(300):
        waiting = await store.get(id)
        if waiting and waiting.stage is Stage.APPROVAL:
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)  # the step that asks people is still being written down


def read(file: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row of the tables that hold stories and their steps."""
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        names = [row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")] for name in names}
        return {name: rows for name, rows in found.items() if rows and KEY in rows[0]}


def write(database_url: str, journal: dict[str, list[dict[str, Any]]]) -> None:
    """Put the rows into a journal that has none of them yet."""
    with closing(sqlite3.connect(_file(database_url))) as connection, connection:
        for table, rows in journal.items():
            for row in rows:
                columns, marks = ", ".join(row), ", ".join("?" * len(row))
                connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row.values()))


def steps(journal: dict[str, list[dict[str, Any]]]) -> list[tuple[str, str]]:
    """What the story's own steps returned, by name and in order; without the engine's notes about its waits."""
    rows = sorted(journal["operation_outputs"], key=lambda row: int(row["function_id"]))
    own = [row for row in rows if not row["function_name"].startswith("DBOS.")]
    return [(row["function_name"], json.dumps(json.loads(row["output"])["data"])) for row in own]


def _file(database_url: str) -> Path:
    return Path(journal_url(database_url).removeprefix("sqlite:///"))


def main(name: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        recorded = asyncio.run(record(Path(directory)))
    (JOURNALS / name).write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
