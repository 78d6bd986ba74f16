"""What git calls content: identity is content, and so an answer is held against the name that was asked for. Pure."""

import hashlib
from collections.abc import Iterable

from integrations.github.wire import GitHubTreeEntry


def blob_sha(body: bytes) -> str:
    return _sha("blob", body)


def tree_sha(entries: Iterable[GitHubTreeEntry]) -> str:
    """Of a whole folder. Raises ValueError for entries that no tree has."""
    rows = {entry.path.encode() + b"/" * (entry.type == "tree"): _row(entry) for entry in entries}
    return _sha("tree", b"".join(row for _, row in sorted(rows.items())))


def _row(entry: GitHubTreeEntry) -> bytes:
    """As git writes it: a folder sorts as if its name ended in a slash, and its mode begins with no zero."""
    if not entry.mode or not entry.path or set(entry.path) & {"\0", "/"} or len(entry.sha) != 40:
        raise ValueError(f"no entry of a tree: {entry.path!r}")
    return b"%s %s\0%s" % (entry.mode.lstrip("0").encode(), entry.path.encode(), bytes.fromhex(entry.sha))


def _sha(kind: str, body: bytes) -> str:
    return hashlib.sha1(b"%s %d\0%s" % (kind.encode(), len(body), body), usedforsecurity=False).hexdigest()
