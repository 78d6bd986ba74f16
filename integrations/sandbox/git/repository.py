"""A bare repository, read and written by plumbing."""

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from integrations.sandbox.git.answers import ANY, Answers, lasts, state
from integrations.sandbox.git.commits import Draft, Signature, fast_import_stream
from integrations.sandbox.git.plumbing import GitFailed, git
from integrations.sandbox.git.refs import named, refs

__all__ = ["NULL_SHA", "BareRepository", "Draft", "HeadMoved", "Signature"]

NULL_SHA = "0" * 40
# Commits are written under a name that no client is shown, then moved to the branch in one transaction.
STAGING_REFS = "refs/staging"

_SETTINGS = f"""\
[http]
\treceivepack = true
\tgetanyfile = false
[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = true
[transfer]
\thideRefs = {STAGING_REFS}
[core]
\tlogAllRefUpdates = false
\tquotePath = false
[receive]
\tautogc = false
[gc]
\tauto = 0
"""


class HeadMoved(Exception):
    """Compare-and-swap refused: (ref, expected commit, present commit or None)."""

    def __init__(self, ref: str, expected: str, present: str | None) -> None:
        super().__init__(ref, expected, present)
        self.ref, self.expected, self.present = ref, expected, present


class BareRepository:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._answers = Answers[bytes](len)

    async def initialise(self) -> None:
        """Raises FileExistsError when there is one already."""
        self.path.mkdir(parents=True)
        await git(self.path, "init", "--quiet", "--bare", "--initial-branch=main")
        with (self.path / "config").open("a") as config:
            config.write(_SETTINGS)

    async def resolve(self, revision: str) -> str | None:
        """The commit that a branch, tag, HEAD or (short) sha means; None when there is none."""
        if not revision or revision.startswith("-"):
            return None
        if (sha := named(revision, refs(self.path))) is not None:
            return sha or None
        try:
            return await self.text("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        except GitFailed:
            return None

    def refs(self, prefix: str = "refs/heads/") -> dict[str, str]:
        """Ref → id of what it names."""
        return refs(self.path, prefix)

    async def tree(self, at: str) -> dict[str, str]:
        """Blob id of every file at a revision, by path. Raises GitFailed for an unknown revision."""
        listing = await self.text("ls-tree", "-r", "-z", "--end-of-options", at)
        entries = (entry.split("\t", 1) for entry in listing.split("\0") if entry.strip())
        return {path: meta.split()[2] for meta, path in entries}

    async def blobs(self, ids: Iterable[str]) -> dict[str, bytes]:
        """The contents of many blobs by one process. Raises KeyError for an id that is not in the repository."""
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return {}
        output = await git(self.path, "cat-file", "--batch", stdin="\n".join([*wanted, ""]).encode())
        contents, position = {}, 0
        for sha in wanted:
            end = output.index(b"\n", position)
            header = output[position:end].split()
            if header[-1] == b"missing":
                raise KeyError(sha)
            size = int(header[2])
            contents[sha] = output[end + 1 : end + 1 + size]
            position = end + 1 + size + 1
        return contents

    async def read(self, path: str, at: str) -> bytes | None:
        """A file's bytes at a revision; None when either does not exist."""
        try:
            return await self._ask("cat-file", "blob", f"{at}:{path}")
        except GitFailed:
            return None

    async def write(self, ref: str, draft: Draft, expected: str) -> str:
        """Put one commit on `ref`, which must still be at `expected` (NULL_SHA: must not exist). Raises HeadMoved."""
        staged = f"{STAGING_REFS}/{uuid.uuid4().hex}"
        stream = fast_import_stream(staged, draft, datetime.now(UTC))
        sha = (await git(self.path, "fast-import", "--quiet", stdin=stream)).decode().strip()
        moves = f"update {ref}\0{sha}\0{expected}\0delete {staged}\0{sha}\0"
        try:
            await git(self.path, "update-ref", "-z", "--stdin", stdin=moves.encode())
        except GitFailed as refused:
            raise HeadMoved(ref, expected, await self.resolve(ref)) from refused
        finally:  # also when nobody waits for it any longer
            if staged in self.refs(STAGING_REFS):
                await git(self.path, "update-ref", "-d", staged)
        return sha

    async def update_ref(self, ref: str, new: str, expected: str) -> None:
        """Compare-and-swap; `new` NULL_SHA deletes. Raises HeadMoved."""
        arguments = ("-d", ref, expected) if new == NULL_SHA else (ref, new, expected)
        try:
            await git(self.path, "update-ref", *arguments)
        except GitFailed as refused:
            raise HeadMoved(ref, expected, await self.resolve(ref)) from refused

    async def commit_on(self, branch: str, draft: Draft, attempts: int = 20) -> str:
        """Put a commit on top of whatever the branch's head is now. Raises HeadMoved when it never stands still."""
        ref = f"refs/heads/{branch}"
        for attempt in range(attempts):
            head = await self.resolve(ref)
            parents = (head,) if head else ()
            try:
                return await self.write(ref, replace(draft, parents=parents), head or NULL_SHA)
            except HeadMoved:
                if attempt == attempts - 1:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def log(self, at: str = "refs/heads/main", limit: int = 20, path: str = ".") -> list[dict[str, Any]]:
        """Newest first: sha, parents, author, email, message, date, files and the diff text; empty before a commit."""
        if await self.resolve(at) is None:
            return []
        mark = uuid.uuid4().hex
        layout = f"--format={mark}%H%x00%P%x00%an%x00%ae%x00%aI%x00%B%x00"
        output = await git(
            self.path, "log", f"--max-count={limit}", layout, "--raw", "--patch", "--diff-merges=first-parent", at,
            "--", path,
        )  # fmt: skip
        return [_log_entry(text) for text in output.decode(errors="replace").split(mark)[1:]]

    async def text(self, *arguments: str) -> str:
        """What a command that only reads says. Raises GitFailed."""
        return (await self._ask(*arguments)).decode(errors="surrogateescape").strip()

    async def _ask(self, *arguments: str) -> bytes:
        now = ANY if lasts(arguments) else state(self.path)
        return await self._answers.of(arguments, now, lambda: git(self.path, *arguments))


def _log_entry(text: str) -> dict[str, Any]:
    sha, parents, author, email, date, message, change = text.split("\0", 6)
    raw, _, diff = change.partition("diff --git ")
    return {
        "sha": sha,
        "parents": parents.split(),
        "author": author,
        "email": email,
        "date": date,
        "message": message.strip(),
        "files": [_raw_path(line) for line in raw.splitlines() if line.startswith(":")],
        "diff": f"diff --git {diff}" if diff else "",
    }


def _raw_path(line: str) -> str:
    return line.split("\t")[-1].strip('"')
