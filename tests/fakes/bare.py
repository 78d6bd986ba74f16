"""A real bare git repository on disk, and other people's hands in it."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from integrations.sandbox.git.refs import refs


class BareRepository:
    """Serves shallow and partial fetches, as git hosts do."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--bare", "--initial-branch=main", ".")
        with (path / "config").open("a") as config:
            config.write("[uploadpack]\nallowFilter = true\nallowAnySHA1InWant = true\n[gc]\nauto = 0\n")

    @property
    def url(self) -> str:
        return f"file://{self.path}"

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.path),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "LC_ALL": "C",
        }
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env=environment, input=stdin, capture_output=True, check=True
        )
        return done.stdout.decode(errors="surrogateescape").strip()

    def head(self, branch: str = "main") -> str:
        return refs(self.path)[f"refs/heads/{branch}"]

    def shas(self) -> list[str]:
        """Newest first."""
        return self.git("rev-list", "main").split()

    def commit(
        self,
        files: Mapping[str, bytes],
        message: str = "Change by hand",
        who: str = "Someone Else <someone@example.com>",
        *,
        root: bool = False,
        more: str = "",
    ) -> str:
        """A commit by somebody else on `main`; `root` begins a new history there.

        `more`: file commands of git-fast-import(1), for what is no plain file.
        """
        lines = [
            f"commit refs/heads/main\nmark :1\nauthor {who} 1767600000 +0100\n"
            f"committer {who} 1767600000 +0100\n".encode(),
            b"data %d\n%s\n" % (len(message.encode()), message.encode()),
        ]
        if not root and "refs/heads/main" in refs(self.path):
            lines.append(b"from refs/heads/main^0\n")
        for path, content in files.items():
            mode = b"100755" if path.endswith(".sh") else b"100644"
            lines.append(b'M %s inline "%s"\ndata %d\n%s\n' % (mode, path.encode(), len(content), content))
        lines.append(more.encode())
        lines.append(b"\nget-mark :1\ndone\n")
        return self.git("fast-import", "--quiet", "--done", "--force", stdin=b"".join(lines))

    def commit_often(self, path: str, count: int) -> None:
        """So many commits by somebody else on `main`, by one process."""
        who = "committer Someone Else <someone@example.com> 1767600000 +0100\ndata 4\nMore\n"
        each = [
            f'commit refs/heads/main\n{who}{start}M 100644 inline "{path}"\ndata {len(str(number))}\n{number}\n'
            for number in range(count)
            for start in ("" if number else "from refs/heads/main^0\n",)
        ]
        self.git("fast-import", "--quiet", "--done", stdin="".join([*each, "done\n"]).encode())

    def reset(self, sha: str) -> None:
        """Force-move the branch."""
        self.git("update-ref", "refs/heads/main", sha)

    def read(self, path: str, at: str = "main") -> bytes:
        return self.git("cat-file", "blob", f"{at}:{path}").encode()

    def hook(self, name: str, script: str) -> None:
        file = self.path / "hooks" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
