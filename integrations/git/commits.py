"""One commit, made here: the objects that are new. Pure.

Only the trees on the way to the changed files are new, and each travels as its difference to the one before it: the
pack of a promotion is about a kilobyte, however large the repository is.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from bot.domain.overlay import Author, Change
from integrations.git.packs import New
from integrations.git.trees import DIRECTORY, KINDS, REGULAR, RawTreeEntry, changed, entry_of


class NotAFile(ValueError):
    """(path, what it is): something that is no ordinary file is where a file is to be written."""


@dataclass(frozen=True)
class ParentTree:
    """A directory as it is in the parent; `sha` is "" for one that is not there yet."""

    sha: str = ""
    body: bytes = b""


def directories(paths: Iterable[str]) -> tuple[str, ...]:
    """Every directory on the way to `paths`, the root ("") included, the deepest first."""
    found = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    return tuple(sorted((d.removeprefix(".") if d == "." else d for d in found), key=_depth, reverse=True))


def drafted(
    change: Change, parent: str, committer: Author, at: datetime, trees: Mapping[str, ParentTree]
) -> tuple[New, ...]:
    """The new objects, the commit last. `trees` has all `directories`. Raises NotAFile."""
    new: list[New] = []
    entries: defaultdict[str, dict[bytes, RawTreeEntry]] = defaultdict(dict)
    for path, content in change.files.items():
        directory, name = split(path)
        new.append(New("blob", content))
        entries[directory][name] = RawTreeEntry(_mode(trees[directory], name, path), bytes.fromhex(new[-1].sha))
    for directory in directories(change.files):
        before = trees[directory]
        body, delta = changed(before.body, entries[directory])
        new.append(New("tree", body, before.sha, delta))
        if directory:
            above, name = split(directory)
            entries[above][name] = RawTreeEntry(DIRECTORY, bytes.fromhex(new[-1].sha))
    return (*new, New("commit", _commit(change, new[-1].sha, parent, committer, at)))


def split(path: str) -> tuple[str, bytes]:
    """(directory, name as git stores it)"""
    directory, _, name = path.rpartition("/")
    return directory, name.encode(errors="surrogateescape")


def _mode(tree: ParentTree, name: bytes, path: str) -> bytes:
    """The mode of a file that is there already stays."""
    present = entry_of(tree.body, name)
    if present and present.mode in KINDS:
        raise NotAFile(path, KINDS[present.mode])
    return present.mode if present else REGULAR


def _commit(change: Change, tree: str, parent: str, committer: Author, at: datetime) -> bytes:
    moment = int(at.timestamp())
    head = (
        f"tree {tree}\nparent {parent}\n"
        f"author {_identity(change.author)} {moment} +0000\n"
        f"committer {_identity(committer)} {moment} +0000\n\n"
    )
    # git takes a NUL for the end of a message.
    return (head + change.message.replace("\0", "")).encode(errors="replace")


def _identity(author: Author) -> str:
    """git refuses angle brackets and line breaks in names, and an empty name."""
    email = "".join(c for c in author.email if c.isprintable() and c not in "<> ")
    name = "".join(c for c in author.name if c.isprintable() and c not in "<>").strip()
    return f"{name or email.partition('@')[0] or 'unknown'} <{email}>"


def _depth(directory: str) -> int:
    return len(directory.split("/")) if directory else 0
