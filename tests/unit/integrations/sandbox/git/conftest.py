"""A git host with one commit, over a real socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from integrations.sandbox.git import GitServer, Signature
from integrations.sandbox.serving import serve

ANA = Signature("Ana", "ana@example.com")
FILES = {"apps/my-app/base/deployment.yaml": b"kind: Deployment\r\n", "README.md": b"# hello\n", 'odd "name.txt': b"x"}


@pytest.fixture
async def server(tmp_path: Path) -> GitServer:
    git = GitServer(tmp_path / "srv", token="t0ken")
    await git.create(FILES, "First", ANA)
    return git


@pytest.fixture
async def url(server: GitServer) -> AsyncIterator[str]:
    async with serve(server.app) as base:
        yield base
