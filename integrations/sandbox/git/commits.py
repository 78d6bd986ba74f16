"""One commit as a fast-import stream: one process writes any number of files, and no work tree is needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Signature:
    """Who wrote or committed, and when (None: now)."""

    name: str
    email: str
    at: datetime | None = None

    def line(self, now: datetime) -> bytes:
        moment = self.at or now
        offset = moment.strftime("%z") or "+0000"
        name = "".join(c for c in self.name if c not in "<>\n") or "unknown"
        email = "".join(c for c in self.email if c not in "<>\n ")
        return f"{name} <{email}> {int(moment.timestamp())} {offset}".encode()


@dataclass(frozen=True)
class Draft:
    """What a commit will hold: whole files by path (None deletes), on top of `parents` (none: a first commit)."""

    changes: Mapping[str, bytes | None]
    message: str
    author: Signature
    committer: Signature
    parents: tuple[str, ...] = ()


def fast_import_stream(ref: str, draft: Draft, now: datetime) -> bytes:
    """The input of `git fast-import` that writes `draft` to `ref` and prints the id of the new commit."""
    message = draft.message.encode()
    lines: list[bytes] = [
        b"feature done\n",
        b"commit %s\nmark :1\n" % ref.encode(),
        b"author %s\ncommitter %s\n" % (draft.author.line(now), draft.committer.line(now)),
        b"data %d\n%s\n" % (len(message), message),
    ]
    lines += [b"%s %s\n" % (b"merge" if index else b"from", sha.encode()) for index, sha in enumerate(draft.parents)]
    for path, content in draft.changes.items():
        if content is None:
            lines.append(b"D %s\n" % quoted(path))
        else:
            lines.append(b"M 100644 inline %s\ndata %d\n%s\n" % (quoted(path), len(content), content))
    lines.append(b"\nget-mark :1\ndone\n")
    return b"".join(lines)


def quoted(path: str) -> bytes:
    """git's C-style quoting of a path."""
    return b'"%s"' % path.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
