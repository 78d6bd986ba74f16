"""What is not the same at two commits, over the whole repository: by trees, for comparisons end at 300 files (G9)."""

import asyncio
from collections.abc import Iterable

from bot.domain.errors import NotFound, Refused
from bot.domain.overlay import ChangedPath
from bot.ports import MOST_DIFFERENCES
from integrations.github import wire
from integrations.github.api import GitHubApi
from integrations.github.failures import SYSTEM, Conflicting
from integrations.github.objects import tree_sha
from integrations.github.read_blobs import ReadBlobs
from integrations.kept import Kept

FILES = ("100644", "100755")
OPERATION = "compare two commits"
MOST_FOLDERS = 1000
"""that are looked into, each with two requests: a server that invents them could go on for ever"""
KEPT_FOLDERS, KEPT_ENTRIES = 64, 500
"""folders that are remembered, and how many entries each may have"""
Folder = tuple[str, str, str]
"""Its path, and its tree at both commits (at the root the commits themselves); "" where it is not there."""

Entry = wire.GitHubTreeEntry
ChangedFile = tuple[str, Entry | None, Entry | None]
"""Its path, and its entry at both commits; None where it is not there."""


class Differences:
    """Only folders that differ are read, and each listing is held against its sha; `repository` is "owner/name"."""

    def __init__(self, api: GitHubApi, repository: str, checked: ReadBlobs | None = None) -> None:
        self._api = api
        self._checked = checked or ReadBlobs()
        self._base = f"/repos/{repository}"
        self._folders: Kept[dict[str, wire.GitHubTreeEntry]] = Kept(KEPT_FOLDERS)
        """by sha, which names their content: what a pull request changes is looked at before and after its merge"""

    async def between(self, before: str, after: str) -> tuple[ChangedPath, ...]:
        """Raises NotFound for an unknown commit, Refused for more than can be told, and for what is another content."""
        if before == after:
            return ()
        found: list[ChangedPath] = []
        waiting: list[Folder] = [("", before, after)]
        for _ in range(MOST_FOLDERS):
            if not waiting:
                return tuple(sorted(found, key=lambda one: one.path))
            files, folders = await self._compare(*waiting.pop())
            for path, *sides in files:
                self._name_blobs(path, zip((before, after), sides, strict=True))
                found.append(ChangedPath(path, _is_plain(*sides)))
            waiting += folders
            if len(found) + len(waiting) > MOST_DIFFERENCES:
                raise Refused(SYSTEM, OPERATION, f"they differ in more than {MOST_DIFFERENCES} files")
        raise Refused(SYSTEM, OPERATION, f"they differ in more than {MOST_FOLDERS} folders")

    def _name_blobs(self, path: str, sides: Iterable[tuple[str, Entry | None]]) -> None:
        for commit, entry in sides:
            if entry and entry.mode in FILES:
                self._checked.named(commit, path, entry.sha)

    async def _compare(self, prefix: str, before: str, after: str) -> tuple[list[ChangedFile], list[Folder]]:
        """What differs right there, and the folders to look into."""
        one, other = await asyncio.gather(self._entries(prefix, before), self._entries(prefix, after))
        found: list[ChangedFile] = []
        folders: list[Folder] = []
        for name in sorted(one.keys() | other.keys()):
            old, new = one.get(name), other.get(name)
            if old == new:
                continue
            was, becomes = (entry.sha if entry and entry.type == "tree" else "" for entry in (old, new))
            if was or becomes:
                folders.append((f"{prefix}{name}/", was, becomes))
            if (old and old.type != "tree") or (new and new.type != "tree"):
                found.append((prefix + name, old, new))
        return found, folders

    async def _entries(self, prefix: str, sha: str) -> dict[str, wire.GitHubTreeEntry]:
        if not sha:
            return {}
        if (known := self._folders.get(sha)) is not None:
            return known
        tree, named = await asyncio.gather(self._tree(sha), self._name(sha, root=not prefix))
        if tree.truncated:
            raise Refused(SYSTEM, OPERATION, f"the folder {prefix or '/'} has more entries than GitHub lists")
        if not _is(named, tree.tree):
            raise Refused(SYSTEM, OPERATION, f"what GitHub lists of the folder {prefix or '/'} is not the tree {named}")
        entries = {entry.path: entry for entry in tree.tree}
        return self._folders.keep(sha, entries) if len(entries) <= KEPT_ENTRIES else entries

    async def _tree(self, sha: str) -> wire.GitHubTree:
        try:
            return (await self._api.get(OPERATION, f"{self._base}/git/trees/{sha}")).decode(wire.GitHubTree)
        except Conflicting as conflict:
            raise NotFound(SYSTEM, OPERATION, conflict.detail) from conflict

    async def _name(self, sha: str, *, root: bool) -> str:
        """Of the tree: at the root the commit says it."""
        if not root:
            return sha
        try:
            answer = await self._api.get(OPERATION, f"{self._base}/git/commits/{sha}")
        except Conflicting as conflict:
            raise NotFound(SYSTEM, OPERATION, conflict.detail) from conflict
        return answer.decode(wire.CommitTree).tree.sha


def _is_plain(old: Entry | None, new: Entry | None) -> bool:
    """Whether a file has another content, and nothing else has changed."""
    return bool(old and new and old.mode == new.mode and new.mode in FILES)


def _is(sha: str, entries: list[wire.GitHubTreeEntry]) -> bool:
    """Identity is content: a listing that is cut, or of another folder, hides what differs."""
    try:
        return tree_sha(entries) == sha and len({entry.path for entry in entries}) == len(entries)
    except ValueError:
        return False
