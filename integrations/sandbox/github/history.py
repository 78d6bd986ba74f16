"""Commits, differences and merges of the bare repository, as values."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from integrations.sandbox.clock import rfc3339
from integrations.sandbox.git import BareRepository, GitFailed
from integrations.sandbox.git.plumbing import git

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_FIELDS = ("%H", "%T", "%P", "%an", "%ae", "%aI", "%cn", "%ce", "%cI", "%B")


@dataclass(frozen=True)
class Person:
    name: str
    email: str
    date: str


@dataclass(frozen=True)
class CommitInfo:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


@dataclass(frozen=True)
class FileChange:
    path: str
    status: str
    additions: int
    deletions: int
    sha: str
    patch: str


async def commits(repository: BareRepository, *arguments: str) -> list[CommitInfo]:
    """`git log ARGUMENTS`, newest first unless they say otherwise."""
    layout = "--format=" + "%x1f".join(_FIELDS)
    output = await repository.text("log", "-z", "--no-show-signature", layout, *arguments)
    return [_commit(record.split("\x1f")) for record in output.split("\0") if record.strip()]


async def commit(repository: BareRepository, sha: str) -> CommitInfo:
    [found] = await commits(repository, "--max-count=1", sha)
    return found


def _commit(fields: Sequence[str]) -> CommitInfo:
    sha, tree, parents, an, ae, ad, cn, ce, cd, message = fields
    author, committer = Person(an, ae, _utc(ad)), Person(cn, ce, _utc(cd))
    return CommitInfo(sha.strip(), tree, tuple(parents.split()), author, committer, message.rstrip("\n"))


def _utc(text: str) -> str:
    return rfc3339(datetime.fromisoformat(text).astimezone(UTC))


async def changes(repository: BareRepository, before: str, after: str) -> list[FileChange]:
    """File by file, without following renames."""
    options = ("--no-renames", "--no-color", "--no-ext-diff", before, after)
    raw = (await repository.text("diff", "--raw", "--abbrev=40", "-z", *options)).split("\0")
    numbers = (await repository.text("diff", "--numstat", "-z", *options)).split("\0")
    patch = await repository.text("diff", *options)
    patches = [part.partition("\n@@")[2] for part in f"\n{patch}".split("\ndiff --git ")[1:]]
    found = []
    for index, (meta, path) in enumerate(zip(raw[0::2], raw[1::2], strict=False)):
        _, _, old, new, letter = meta.split()
        added, deleted, _ = numbers[index].split("\t")
        status = {"A": "added", "D": "removed"}.get(letter, "modified")
        text = f"@@{patches[index]}" if patches[index] else ""
        found.append(FileChange(path, status, _number(added), _number(deleted), old if letter == "D" else new, text))
    return found


def _number(text: str) -> int:
    return 0 if text == "-" else int(text)


async def merge_base(repository: BareRepository, one: str, other: str) -> str | None:
    try:
        return await repository.text("merge-base", one, other)
    except GitFailed:
        return None


async def count(repository: BareRepository, since: str, until: str) -> int:
    return int(await repository.text("rev-list", "--count", f"{since}..{until}"))


class Conflict(Exception):
    """Both sides changed the same lines of (path)."""


async def merged(repository: BareRepository, base: str, ours: str, theirs: str) -> dict[str, bytes | None]:
    """What to change in `ours` to have the changes from `base` to `theirs` as well. Raises Conflict."""
    result: dict[str, bytes | None] = {}
    mine = {change.path for change in await changes(repository, base, ours)}
    for change in await changes(repository, base, theirs):
        new = None if change.status == "removed" else await repository.read(change.path, theirs)
        if change.path in mine:
            present = await repository.read(change.path, ours)
            if present == new:
                continue
            new = await _merged_file(await repository.read(change.path, base), present, new, change.path)
        result[change.path] = new
    return result


async def _merged_file(base: bytes | None, ours: bytes | None, theirs: bytes | None, path: str) -> bytes:
    if base is None or ours is None or theirs is None:
        raise Conflict(path)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        await asyncio.to_thread(_write, directory, {"ours": ours, "base": base, "theirs": theirs})
        try:
            return await git(directory, "merge-file", "--stdout", "--quiet", "ours", "base", "theirs")
        except GitFailed as error:
            raise Conflict(path) from error


def _write(directory: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (directory / name).write_bytes(content)
