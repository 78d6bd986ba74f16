"""A real git remote. Reads; and, where it is allowed to, one commit that is put back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.errors import HeadMoved, NotFound
from bot.domain.overlay import Author, Change
from bot.settings import Settings
from integrations.git import GitRemote
from tests.live.environment import needed

pytestmark = pytest.mark.live


@pytest.fixture
async def remote(tmp_path: Path) -> AsyncIterator[GitRemote]:
    needed("PILOTHOUSE_GIT__URL")
    async with GitRemote(Settings().git, tmp_path) as remote:
        yield remote


async def test_everything_is_read(remote: GitRemote) -> None:
    head = await remote.head()
    paths = tuple(await remote.paths(head))
    assert paths
    files = await remote.read(paths[:5], head)
    assert set(files) == set(paths[:5])
    assert (await remote.history("", 1))[0].sha == head
    assert (await remote.history(paths[0], 1))[0].message


async def test_an_absent_commit_is_not_found(remote: GitRemote) -> None:
    with pytest.raises(NotFound):
        await remote.paths("f" * 40)


async def test_a_commit_and_its_undoing(remote: GitRemote) -> None:
    (path,) = needed("LIVE_GIT_WRITABLE_FILE")
    head = await remote.head()
    before = (await remote.read([path], head))[path]
    author = Author("Pilothouse live test", "pilothouse@example.com")
    changed = Change({path: before + b"\n"}, "Live test\n\nPromotion-Id: live-test", author)
    commit = await remote.commit(changed, head)
    try:
        assert await remote.find("Promotion-Id", "live-test", head) == (commit,)
        with pytest.raises(HeadMoved):
            await remote.commit(Change({path: before + b"\n\n"}, "Live test", author), head)
    finally:
        await remote.commit(Change({path: before}, "Live test: put back", author), commit.sha)
    assert (await remote.read([path], await remote.head()))[path] == before
