"""One commit as a fast-import stream: git rewrites only the trees on the way to the changed files."""

from collections.abc import Mapping
from datetime import datetime

from bot.domain.overlay import Author, Change

_REGULAR = "100644"
_NOWHERE = "0" * 40


def fast_import_stream(
    change: Change, parent: str, committer: Author, at: datetime, modes: Mapping[str, str], ref: str
) -> bytes:
    """The input of `git fast-import` that writes `change` on top of `parent` and prints the new commit's sha.

    `modes` keeps the mode of files that are there already. `ref` is a name that nobody else uses; it is gone when
    git ends.
    """
    moment = int(at.timestamp())
    message = change.message.encode()
    lines = [
        b"commit %s\nmark :1\n" % ref.encode(),
        b"author %s %d +0000\ncommitter %s %d +0000\n"
        % (_identity(change.author), moment, _identity(committer), moment),
        b"data %d\n%s\nfrom %s\n" % (len(message), message, parent.encode()),
    ]
    for path, content in change.files.items():
        mode = modes.get(path, _REGULAR).encode()
        lines.append(b"M %s inline %s\ndata %d\n%s\n" % (mode, _quoted(path), len(content), content))
    lines.append(b"\nget-mark :1\nreset %s\nfrom %s\n\ndone\n" % (ref.encode(), _NOWHERE.encode()))
    return b"".join(lines)


def _identity(author: Author) -> bytes:
    """git refuses angle brackets and line breaks in names, and an empty name."""
    email = "".join(c for c in author.email if c.isprintable() and c not in "<> ")
    name = "".join(c for c in author.name if c.isprintable() and c not in "<>").strip()
    return f"{name or email.partition('@')[0] or 'unknown'} <{email}>".encode()


def _quoted(path: str) -> bytes:
    raw = path.encode(errors="surrogateescape")
    return b'"%s"' % raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
