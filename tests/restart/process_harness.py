"""Where the processes live: a git repository, a GitHub in front of it, a database, and lives one after another."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from bot.store.database import Database
from integrations.sandbox.git import GitServer, Signature
from integrations.sandbox.git.commits import Draft
from integrations.sandbox.github import GitHubServer, GitHubServerSettings, Principal
from integrations.sandbox.serving import serve
from tests.canary import silent
from tests.restart import child
from tests.restart.cases import Case, seed
from tests.restart.child import Life, as_json
from tests.restart.outside import World
from tests.restart.process import Process, begin

SOMEONE = Signature("Someone Else", "someone@example.com")


@dataclass
class ProcessHarness:
    directory: Path
    git: GitServer
    hub: GitHubServer
    git_url: str
    github_url: str
    database_url: str
    cases: tuple[Case, ...]
    lives: list[Process] = field(default_factory=list)

    @cached_property
    def world(self) -> World:
        return World(self.directory / "world.db")

    def database(self) -> Database:
        return Database(self.database_url)

    def begin(self, **how: Any) -> Process:
        """Start a life; what it logs goes to a file."""
        number = len(self.lives)
        life = Life(str(self.directory), self.database_url, self.git_url, self.github_url, self.cases, **how)
        file, log = self.directory / f"life-{number}.json", self.directory / f"life-{number}.log"
        file.write_bytes(as_json(life))
        return self.started(begin(child.main, str(file), log))

    def started(self, life: Process) -> Process:
        """It ends with this harness at the latest."""
        self.lives.append(life)
        return life

    async def live(self, **how: Any) -> int:
        """One whole life; how it ended."""
        life = self.begin(**how)
        code = await life.ended()
        assert code in (0, -9), f"a life ended with {code}:\n{life.said()}"
        return code

    async def stop(self) -> None:
        for life in self.lives:
            await life.stop()
        self.world.close()


@asynccontextmanager
async def harness(directory: Path, database_url: str, cases: tuple[Case, ...]) -> AsyncIterator[ProcessHarness]:
    """Fails at its end when a life logged a secret."""
    token = uuid.uuid4().hex
    git = GitServer(directory / "served", token)
    first, second = seed(cases)
    # What an overlay showed only for a moment does not count as having run, and no rollback leads back to it.
    await git.create(first, "First commit", replace(SOMEONE, at=datetime.now(UTC) - timedelta(hours=2)))
    then = replace(SOMEONE, at=datetime.now(UTC) - timedelta(hours=1))
    await git.repository.commit_on("main", Draft(second, "Second commit", then, then))
    settings = GitHubServerSettings(
        tokens={"token": Principal("pilothouse-user", 99)}, limit=100_000, writes_a_minute=10_000
    )
    hub = GitHubServer(git, "pilothouse/deploy", settings)
    async with serve(hub.app) as url, serve(git.app) as git_url:
        remote = f"{git_url.replace('://', f'://git:{token}@')}/{git.name}.git"
        place = ProcessHarness(directory, git, hub, remote, url, database_url, cases)
        try:
            yield place
        finally:
            await place.stop()
        silent(*(life.log for life in place.lives))
