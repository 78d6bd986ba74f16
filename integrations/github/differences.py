"""What is not the same at two commits, over the whole repository: by trees, for comparisons end at 300 files (G9)."""

import asyncio

from bot.domain.errors import NotFound, Refused
from bot.domain.overlay import Difference
from bot.ports import MOST_DIFFERENCES
from integrations.github import wire
from integrations.github.api import Api
from integrations.github.failures import SYSTEM, Conflicting

FILES = ("100644", "100755")
OPERATION = "compare two commits"


class Differences:
    """Only folders that differ are read; `repository` is "owner/name"."""

    def __init__(self, api: Api, repository: str) -> None:
        self._api = api
        self._base = f"/repos/{repository}"

    async def between(self, before: str, after: str) -> tuple[Difference, ...]:
        """Raises NotFound for an unknown commit, Refused for more than can be told."""
        if before == after:
            return ()
        found: list[Difference] = []
        await self._walk("", before, after, found)
        return tuple(sorted(found, key=lambda one: one.path))

    async def _walk(self, prefix: str, before: str, after: str, found: list[Difference]) -> None:
        """`before` and `after` are trees, or commits at the root; "" for a folder that is not there."""
        one, other = await asyncio.gather(self._entries(prefix, before), self._entries(prefix, after))
        folders: list[tuple[str, str, str]] = []
        for name in sorted(one.keys() | other.keys()):
            old, new = one.get(name), other.get(name)
            if old == new:
                continue
            was, becomes = (entry.sha if entry and entry.type == "tree" else "" for entry in (old, new))
            if was or becomes:
                folders.append((f"{prefix}{name}/", was, becomes))
            if (old and old.type != "tree") or (new and new.type != "tree"):
                plain = bool(old and new) and old.mode == new.mode and new.mode in FILES  # type: ignore[union-attr]
                found.append(Difference(prefix + name, plain))
        self._limit(found, folders)
        for folder in folders:
            await self._walk(*folder, found)
            self._limit(found, [])

    def _limit(self, found: list[Difference], folders: list[tuple[str, str, str]]) -> None:
        if len(found) + len(folders) > MOST_DIFFERENCES:
            raise Refused(SYSTEM, OPERATION, f"they differ in more than {MOST_DIFFERENCES} files")

    async def _entries(self, prefix: str, sha: str) -> dict[str, wire.TreeEntry]:
        if not sha:
            return {}
        try:
            answer = await self._api.get(OPERATION, f"{self._base}/git/trees/{sha}")
        except Conflicting as conflict:
            raise NotFound(SYSTEM, OPERATION, conflict.detail) from conflict
        tree = answer.decode(wire.Tree)
        if tree.truncated:
            raise Refused(SYSTEM, OPERATION, f"the folder {prefix or '/'} has more entries than GitHub lists")
        return {entry.path: entry for entry in tree.tree}
