"""What git's plumbing prints, as values. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.domain.overlay import Author, ChangedPath, Commit

LOG_FORMAT = "--format=tformat:%H%n%P%n%an%n%ae%n%cn%n%ce%n%ct%n%B"
"""with `-z`, so that messages may hold anything"""

_FILES = ("100644", "100755")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def is_sha(text: str) -> bool:
    return _SHA.fullmatch(text) is not None


@dataclass(frozen=True)
class TreeEntry:
    mode: str
    kind: str
    sha: str
    path: str


def tree_entries(listing: bytes) -> Iterator[TreeEntry]:
    """The output of `ls-tree -z`. A path that is no UTF-8 keeps its bytes as surrogates."""
    for record in listing.split(b"\0"):
        if record:
            meta, _, path = record.partition(b"\t")
            mode, kind, sha = meta.decode().split()
            yield TreeEntry(mode, kind, sha, path.decode(errors="surrogateescape"))


@dataclass(frozen=True)
class CachedObject:
    """An object of the cache."""

    kind: str
    sha: str
    body: bytes


def contents(output: bytes, asked: Sequence[str]) -> Iterator[tuple[str, CachedObject | None]]:
    """The output of `cat-file --batch`, in the order asked; None for what is missing."""
    position = 0
    for name in asked:
        end = output.index(b"\n", position)
        header = output[position:end].rsplit(b" ", 2)
        position = end + 1
        if len(header) != 3 or header[1] not in (b"blob", b"tree", b"commit", b"tag"):
            yield name, None
            continue
        body = output[position : position + int(header[2])]
        position += len(body) + 1
        yield name, CachedObject(header[1].decode(), header[0].decode(), body)


def logged(log: bytes, url: str) -> Iterator[tuple[Commit, Author]]:
    """The output of `log -z` in LOG_FORMAT, each commit with its committer; `url` has "{sha}" in it, or is ""."""
    for record in log.split(b"\0"):
        if record:
            sha, parents, name, email, by, by_email, at, message = record.decode(errors="replace").split("\n", 7)
            commit = Commit(
                sha,
                Author(name, email),
                message.strip("\n"),
                _moment(at),
                url.replace("{sha}", sha),
                tuple(parents.split()),
            )
            yield commit, Author(by, by_email)


def _moment(seconds: str) -> datetime:
    """When a commit was made, as its maker says: any number can stand there."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def differences(listing: bytes) -> Iterator[ChangedPath]:
    """The output of `diff-tree -r -z --raw --no-renames`."""
    fields = listing.split(b"\0")
    for meta, path in zip(fields[0::2], fields[1::2], strict=False):
        before, after, *_ = meta.decode().removeprefix(":").split()
        plain = before == after and before in _FILES
        yield ChangedPath(path.decode(errors="surrogateescape"), plain)
