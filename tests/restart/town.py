"""Where the processes live: a git repository, a GitHub in front of it, a database, and lives one after another."""

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.store.database import Database
from integrations.sandbox.git import GitServer, Signature
from integrations.sandbox.git.commits import Draft
from integrations.sandbox.github import GitHubServer, GitHubServerSettings, Principal
from integrations.sandbox.serving import serve
from tests.canary import silent
from tests.restart.cases import Case, seed
from tests.restart.child import Life, as_json
from tests.restart.outside import World

ROOT = Path(__file__).parents[2]
SOMEONE = Signature("Someone Else", "someone@example.com")


@dataclass
class Process:
    """One life that has begun."""

    process: asyncio.subprocess.Process
    log: Path

    async def ready(self) -> None:
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        assert line == b"ready\n", self.said()

    async def ended(self) -> int:
        await self.process.communicate()  # and read what it says: a full pipe would hold it back for ever
        assert self.process.returncode is not None
        return self.process.returncode

    def said(self) -> str:
        lines = self.log.read_text().splitlines()
        return "\n".join(line for line in lines if "Asyncio task cancelled" not in line)[-8000:]


@dataclass
class Town:
    directory: Path
    git: GitServer
    hub: GitHubServer
    github_url: str
    database_url: str
    cases: tuple[Case, ...]
    lives: list[Process] = field(default_factory=list)

    @property
    def world(self) -> World:
        return World(self.directory / "world.db")

    def database(self) -> Database:
        return Database(self.database_url)

    async def begin(self, **how: Any) -> Process:
        """Start a life; what it logs goes to a file."""
        number = len(self.lives)
        life = Life(
            str(self.directory), self.database_url, str(self.git.repository.path), self.github_url, self.cases, **how
        )
        file, log = self.directory / f"life-{number}.json", self.directory / f"life-{number}.log"
        file.write_bytes(as_json(life))
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.restart.child",
                str(file),
                cwd=ROOT,
                stdout=asyncio.subprocess.PIPE,
                stderr=output,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        self.lives.append(Process(process, log))
        return self.lives[-1]

    async def live(self, **how: Any) -> int:
        """One whole life; how it ended."""
        life = await self.begin(**how)
        code = await life.ended()
        assert code in (0, -9), f"a life ended with {code}:\n{life.said()}"
        return code

    async def stop(self) -> None:
        for life in self.lives:
            if life.process.returncode is None:
                life.process.kill()
                await life.process.wait()


@asynccontextmanager
async def town(directory: Path, database_url: str, cases: tuple[Case, ...]) -> AsyncIterator[Town]:
    """Fails at its end when a life logged a secret."""
    git = GitServer(directory / "served", uuid.uuid4().hex)
    first, second = seed(cases)
    # What an overlay showed only for a moment does not count as having run, and no rollback leads back to it.
    await git.create(first, "First commit", replace(SOMEONE, at=datetime.now(UTC) - timedelta(hours=2)))
    then = replace(SOMEONE, at=datetime.now(UTC) - timedelta(hours=1))
    await git.repository.commit_on("main", Draft(second, "Second commit", then, then))
    settings = GitHubServerSettings(
        tokens={"token": Principal("pilothouse-user", 99)}, limit=100_000, writes_a_minute=10_000
    )
    hub = GitHubServer(git, "pilothouse/deploy", settings)
    async with serve(hub.app) as url:
        place = Town(directory, git, hub, url, database_url, cases)
        try:
            yield place
        finally:
            await place.stop()
        silent(*(life.log for life in place.lives))
