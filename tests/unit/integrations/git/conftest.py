"""A remote with three apps, and the git client looking at it."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import pytest

from bot.settings import GitSettings
from integrations.git import GitRemote
from integrations.git.cache import Patience
from tests.contract.overlays import FILES
from tests.fakes.bare import BareRepository


@pytest.fixture
def bare(tmp_path: Path) -> BareRepository:
    repository = BareRepository(tmp_path / "remote.git")
    repository.commit(FILES, "First commit")
    return repository


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    return tmp_path / "cache"


class Connect(Protocol):
    def __call__(self, settings: GitSettings, cache_dir: Path, patience: Patience | None = None) -> GitRemote: ...


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Makes clients, and closes them when the test is over."""
    async with AsyncExitStack() as stack:

        def make(settings: GitSettings, cache_dir: Path, patience: Patience | None = None) -> GitRemote:
            remote = GitRemote(settings, cache_dir, patience)
            stack.push_async_callback(remote.aclose)
            return remote

        yield make


@pytest.fixture
async def remote(bare: BareRepository, cache_dir: Path) -> AsyncIterator[GitRemote]:
    async with GitRemote(GitSettings(url=bare.url), cache_dir) as remote:
        yield remote


@pytest.fixture
def spied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Puts a git before git that writes its command line down; answers the lines since the last question."""
    real = next(p for d in os.environ["PATH"].split(":") if (p := Path(d) / "git").exists())
    record = tmp_path / "commands.txt"
    record.touch()
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\necho "$*" >> {record}\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")

    def lines() -> list[str]:
        text = record.read_text()
        record.write_text("")
        return text.splitlines()

    return lines
