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
_WHO = rb"([^<>\n ]|[^<>\n ][^<>\n]*[^<>\n ]) <([^<>\n ]+)>"
_SIMPLE = re.compile(
    rb"tree [0-9a-f]+\nparent ([0-9a-f]+)\nauthor %s [0-9]+ [+-][0-9]{4}\n"
    rb"committer %s ([0-9]+) [+-][0-9]{4}(?:\n.*)?" % (_WHO, _WHO),
    re.DOTALL,
)
_HEAD = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) (blob|tree|commit|tag) ([0-9]+)")


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


@dataclass(frozen=True)
class ObjectHead:
    """What `cat-file --batch` says before an object; `size` in bytes."""

    kind: str
    sha: str
    size: int


def announced(line: bytes) -> ObjectHead | None:
    """A line of `cat-file --batch` before an object; None when it says that there is none.

    Such a line ends in a word, after the name that was asked for, which may look like anything.
    """
    head = _HEAD.fullmatch(line.rstrip(b"\n"))
    return ObjectHead(head[2].decode(), head[1].decode(), int(head[3])) if head else None


def contents(output: bytes, asked: Sequence[str]) -> Iterator[tuple[str, CachedObject | None]]:
    """The output of `cat-file --batch`, in the order asked; None for what is missing."""
    position = 0
    for name in asked:
        end = output.index(b"\n", position)
        head = announced(output[position:end])
        position = end + 1
        if not head:
            yield name, None
            continue
        body = output[position : position + head.size]
        position += len(body) + 1
        yield name, CachedObject(head.kind, head.sha, body)


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


def simple_commit(sha: str, body: bytes, url: str) -> tuple[Commit, Author] | None:
    """A commit as git stores it, with its committer, as `logged` has it; `url` as there.

    None for whatever git may read in another way: a merge, a first commit, another encoding, an odd identity.
    """
    head, _, message = body.partition(b"\n\n")
    found = _SIMPLE.fullmatch(head)
    if not found or b"\0" in message or b"\nencoding " in head:
        return None
    parent, name, email, by, by_email, at = (part.decode(errors="replace") for part in found.groups())
    told = message.decode(errors="replace").strip("\n")
    commit = Commit(sha, Author(name, email), told, _moment(at), url.replace("{sha}", sha), (parent,))
    return commit, Author(by, by_email)


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
