"""What git's plumbing prints, as values. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.domain.overlay import Author, Commit

LOG_FORMAT = "--format=tformat:%H%n%an%n%ae%n%ct%n%B"
"""with `-z`, so that messages may hold anything"""

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
class Found:
    """An object of the cache."""

    kind: str
    sha: str
    body: bytes


def contents(output: bytes, asked: Sequence[str]) -> Iterator[tuple[str, Found | None]]:
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
        yield name, Found(header[1].decode(), header[0].decode(), body)


def commits(log: bytes, url: str) -> Iterator[Commit]:
    """The output of `log -z` in LOG_FORMAT; `url` has "{sha}" in it, or is ""."""
    for record in log.split(b"\0"):
        if record:
            sha, name, email, at, message = record.decode(errors="replace").split("\n", 4)
            yield Commit(
                sha,
                Author(name, email),
                message.strip("\n"),
                datetime.fromtimestamp(int(at), UTC),
                url.replace("{sha}", sha),
            )
