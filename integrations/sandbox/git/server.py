"""The git host's one repository: what the sandbox's other systems and its people do with it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from integrations.sandbox.faults import FaultSettings, WeatherMiddleware
from integrations.sandbox.git.access import TokenAccess, equals
from integrations.sandbox.git.repository import NULL_SHA, BareRepository, Draft, Signature
from integrations.sandbox.git.smart_http import SmartHTTP


@dataclass(frozen=True)
class Push:
    """A ref that moved; `before` or `after` is forty zeros when it was created or deleted."""

    ref: str
    before: str
    after: str


class GitServer:
    """A bare repository `root/<name>.git`, served at `/<name>.git` over smart HTTP (shallow and partial clones too).

    `token` is what clients must show. Callbacks given to `on_push` are called, in order, once for each ref that a
    push or a commit moved.
    """

    def __init__(self, root: Path, token: str, faults: FaultSettings | None = None, name: str = "deploy") -> None:
        self.name = name
        self.repository = BareRepository(root / f"{name}.git")
        self._accepted = [equals(token)]
        self._callbacks: list[Callable[[Push], None]] = []
        self._seen: dict[str, str] = {}
        self._noticing = asyncio.Lock()
        app: ASGIApp = TokenAccess(SmartHTTP(root, self.notice), self._accepts)
        self.app = WeatherMiddleware(app, faults, "git") if faults else app

    def accept(self, check: Callable[[str], bool]) -> None:
        """Also let in whoever shows a token that `check` knows (the installation tokens of a GitHub App)."""
        self._accepted.append(check)

    def on_push(self, callback: Callable[[Push], None]) -> None:
        self._callbacks.append(callback)

    @property
    def exists(self) -> bool:
        return self.repository.path.exists()

    async def open(self) -> None:
        """Go on with a repository of an earlier run: what it holds already is no news to the callbacks."""
        self._seen = self.repository.refs()

    async def create(self, files: Mapping[str, bytes], message: str, author: Signature) -> str:
        """Make the repository with its first commit on `main`. Raises FileExistsError when it is there already."""
        await self.repository.initialise()
        return await self._commit("main", Draft(files, message, author, author))

    async def commit(
        self, changes: Mapping[str, bytes | None], message: str, author_name: str, author_email: str
    ) -> str:
        """A commit by someone else in the world, on top of `main` wherever that is now."""
        author = Signature(author_name, author_email)
        return await self._commit("main", Draft(changes, message, author, author))

    async def head(self, branch: str = "main") -> str:
        """Raises LookupError when the branch does not exist."""
        sha = await self.repository.resolve(f"refs/heads/{branch}")
        if sha is None:
            raise LookupError(f"branch {branch!r} does not exist: create the repository first")
        return sha

    async def log(self, limit: int = 20, at: str = "refs/heads/main") -> list[dict[str, Any]]:
        return await self.repository.log(at, limit)

    async def read(self, path: str, at: str = "main") -> bytes | None:
        return await self.repository.read(path, at)

    async def tree(self, at: str = "main") -> dict[str, str]:
        """Path → blob id."""
        return await self.repository.tree(at)

    async def notice(self) -> None:
        """Compare the branches with what was last seen, and tell the callbacks what moved."""
        async with self._noticing:
            now = self.repository.refs()
            before, self._seen = self._seen, now
            for ref in sorted({*before, *now}):
                push = Push(ref, before.get(ref, NULL_SHA), now.get(ref, NULL_SHA))
                if push.before != push.after:
                    for callback in self._callbacks:
                        callback(push)

    async def _commit(self, branch: str, draft: Draft) -> str:
        sha = await self.repository.commit_on(branch, draft)
        await self.notice()
        return sha

    def _accepts(self, token: str) -> bool:
        return bool(token) and any(check(token) for check in self._accepted)
