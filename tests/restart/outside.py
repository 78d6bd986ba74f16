"""The world outside of the bot's process, for as long as processes come and go: Slack in a file, Argo CD from git."""

import asyncio
import json
import math
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.domain.application import (
    Application,
    ApplicationRef,
    HealthStatus,
    ResourceHealth,
    SyncPermission,
    SyncStatus,
)
from bot.domain.drift import Drift
from bot.domain.errors import NotFound
from bot.overlays.kustomization import read_images
from bot.ports import FileUpload, OverlaySource, Posted, Rendered
from tests.fakes.applications import follows, images_of
from tests.restart.cases import named, overlay

SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
  ts INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT, thread TEXT, key TEXT, text TEXT, edits INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS notes (kind TEXT, text TEXT);
"""


@dataclass(frozen=True)
class Message:
    channel: str
    thread: str
    key: str
    text: str
    edits: int


class World:
    """A file that outlives the processes; each call is one transaction in it. Nobody cuts the power."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, timeout=10, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.executescript(SCHEMA)

    def close(self) -> None:
        self._connection.close()

    def messages(self) -> list[Message]:
        with self._transaction() as connection:
            rows = connection.execute("SELECT channel, thread, key, text, edits FROM messages ORDER BY ts")
            return [Message(*row) for row in rows]

    def note(self, kind: str, text: str) -> bool:
        """Whether this is the first time."""
        with self._transaction() as connection:
            if connection.execute("SELECT 1 FROM notes WHERE kind = ? AND text = ?", (kind, text)).fetchone():
                return False
            connection.execute("INSERT INTO notes VALUES (?, ?)", (kind, text))
            return True

    def notes(self, kind: str) -> list[str]:
        with self._transaction() as connection:
            return [text for (text,) in connection.execute("SELECT text FROM notes WHERE kind = ?", (kind,))]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def post(self, channel: str, thread: str, key: str, text: str, *, first: bool = False) -> str:
        with self._transaction() as connection:
            known = "SELECT ts FROM messages WHERE key = ? AND channel = ? AND key != ''"
            if not first and (row := connection.execute(known, (key, channel)).fetchone()):
                connection.execute("UPDATE messages SET text = ?, edits = edits + 1 WHERE ts = ?", (text, row[0]))
                return str(row[0])
            insert = "INSERT INTO messages (channel, thread, key, text) VALUES (?, ?, ?, ?)"
            return str(connection.execute(insert, (channel, thread, key, text)).lastrowid)

    def edit(self, ts: str, text: str) -> bool:
        with self._transaction() as connection:
            changed = connection.execute("UPDATE messages SET text = ?, edits = edits + 1 WHERE ts = ?", (text, ts))
            return changed.rowcount == 1

    def remove(self, ts: str) -> bool:
        with self._transaction() as connection:
            return connection.execute("DELETE FROM messages WHERE ts = ?", (ts,)).rowcount == 1


class LastingMessenger:
    """A workspace that remembers: a post with a known key changes the message that has it, but for a `first` try."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def post(
        self,
        channel: str,
        message: Rendered,
        *,
        thread: str = "",
        broadcast: bool = False,
        key: str = "",
        first: bool = False,
    ) -> Posted:
        return Posted(channel, self._world.post(channel, thread, key, message.text, first=first))

    async def update(self, posted: Posted, message: Rendered) -> None:
        if not self._world.edit(posted.ts, message.text):
            raise NotFound("Slack", "chat.update", "message_not_found")

    async def whisper(self, channel: str, user: str, message: Rendered, *, thread: str = "") -> None:
        self._world.note("whisper", json.dumps([channel, user, message.text, uuid.uuid4().hex]))  # said twice is two

    async def direct(self, user: str, message: Rendered) -> Posted:
        return await self.post(user, message)

    async def permalink(self, posted: Posted) -> str:
        return f"https://acme.slack.com/archives/{posted.channel}/p{posted.ts}"

    async def remove(self, posted: Posted) -> None:
        if not self._world.remove(posted.ts):
            raise NotFound("Slack", "chat.delete", "message_not_found")

    async def upload(self, channel: str, file: FileUpload, thread: str = "") -> None:
        raise AssertionError("no promotion uploads anything")


class GitFollowingApplications:
    """An Argo CD that has always synced what git says. The apps of one story are Degraded by what is promoted."""

    LOOK_SECONDS = 0.2

    def __init__(self, overlays: OverlaySource) -> None:
        self._overlays = overlays
        self._head = ""
        self._seen_at = 0.0
        self._read: dict[tuple[str, str], bytes] = {}

    async def get(self, ref: ApplicationRef) -> Application:
        sick = await self._sick(ref)
        head = await self._now()
        health = HealthStatus.DEGRADED if sick else HealthStatus.HEALTHY
        app, _, environment = ref.name.rpartition("-")
        path = overlay(app, environment)
        images = images_of(read_images(await self._content(path, head), path))
        return Application(
            ref, SyncStatus.SYNCED, health, head, images=images, auto_sync=True, sources=follows(ref.name)
        )

    def together(self, environments: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        return (tuple(environments),)

    async def changes(self, environment: str) -> AsyncIterator[Application]:
        """Nothing changes but by promotions, which look for themselves."""
        await asyncio.Event().wait()
        yield await self.get(ApplicationRef("nobody's", environment))

    def silence(self, environment: str) -> float:
        return math.inf

    async def subscribed(self, environment: str, project: str) -> tuple[tuple[str, str], ...]:
        return ()

    def current(self, environment: str) -> bool:
        return False

    async def overview(self, environment: str) -> tuple[Application, ...]:
        raise AssertionError("no promotion lists Applications")

    async def refresh(self, ref: ApplicationRef) -> Application:
        self._seen_at = 0.0
        return await self.get(ref)

    async def sync(self, ref: ApplicationRef, revision: str) -> None:
        raise AssertionError("Argo CD syncs by itself here")

    async def terminate(self, ref: ApplicationRef) -> bool:
        raise AssertionError("no promotion stops a sync")

    async def drift(self, ref: ApplicationRef) -> tuple[Drift, ...]:
        raise AssertionError("no promotion reads what differs")

    async def unhealthy(self, ref: ApplicationRef) -> tuple[ResourceHealth, ...]:
        return (ResourceHealth("Pod", "web-1", "apps", HealthStatus.DEGRADED, "Back-off pulling image"),)

    async def permission(self, ref: ApplicationRef) -> SyncPermission:
        raise AssertionError("nothing waits for a sync here")

    async def _now(self) -> str:
        if time.monotonic() - self._seen_at > self.LOOK_SECONDS:
            self._head = await self._overlays.head()
            self._seen_at = time.monotonic()
        return self._head

    async def _sick(self, ref: ApplicationRef) -> bool:
        app, _, environment = ref.name.rpartition("-")
        if environment != "production" or named(app) != "automatic-rollback":
            return False
        path = overlay(app, environment)
        return b"v1.4.2" in await self._content(path, await self._now())

    async def _content(self, path: str, commit: str) -> bytes:
        """A file at a commit never changes, and every promotion asks for its own again and again."""
        if (path, commit) not in self._read:
            self._read[path, commit] = (await self._overlays.read([path], commit))[path]
        return self._read[path, commit]
