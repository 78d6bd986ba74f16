"""A real GitHub repository. Reads; where it is allowed to, a commit that is put back and a closed pull request."""

import uuid
from collections.abc import AsyncIterator

import pytest

from bot.domain.errors import HeadMoved, NotFound
from bot.domain.overlay import Author, Change
from bot.settings import Settings
from integrations.github import GitHub
from tests.live.environment import needed

pytestmark = pytest.mark.live

AUTHOR = Author("Pilothouse live test", "pilothouse@example.com")


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    needed("PILOTHOUSE_GITHUB__REPOSITORY")
    settings = Settings()
    async with GitHub(settings.github, settings.git.branch) as made:
        yield made


async def test_everything_is_read(github: GitHub) -> None:
    head = await github.head()
    paths = tuple(await github.paths(head))
    assert set(await github.read(paths[:3], head)) == set(paths[:3])
    assert set(await github.read(paths[:30], head)) == set(paths[:30])
    newest = (await github.history("", 1))[0]
    assert newest.sha == head
    assert await github.checks(head) in ("success", "pending", "failure")


async def test_the_repository_is_the_same_in_any_case(github: GitHub) -> None:
    """G4: GitHub's names have no case."""
    settings = Settings()
    loud = settings.github.model_copy(update={"repository": settings.github.repository.upper()})
    async with GitHub(loud, settings.git.branch) as shouted:
        assert await shouted.head() == await github.head()


async def test_an_absent_commit_is_not_found(github: GitHub) -> None:
    with pytest.raises(NotFound):
        await github.paths("f" * 40)


async def test_a_commit_and_its_undoing(github: GitHub) -> None:
    (path,) = needed("LIVE_GITHUB_WRITABLE_FILE")
    head = await github.head()
    before = (await github.read([path], head))[path]
    changed = Change({path: before + b"\n"}, "Live test\n\nPromotion-Id: live-test", AUTHOR)
    commit = await github.commit(changed, head)
    try:
        assert await github.head() == commit.sha
        with pytest.raises(HeadMoved):
            await github.commit(changed, head)
        [found] = await github.find("Promotion-Id", "live-test", head)
        assert found.sha == commit.sha
        assert (await github.compare(commit.url.partition("/commit/")[0], head, commit.sha)).total == 1
    finally:
        await github.commit(Change({path: before}, "Live test: put back", AUTHOR), commit.sha)


async def test_a_pull_request_that_is_closed_again(github: GitHub) -> None:
    (path,) = needed("LIVE_GITHUB_WRITABLE_FILE")
    head = await github.head()
    before = (await github.read([path], head))[path]
    branch = f"pilothouse-live-test-{uuid.uuid4().hex[:8]}"
    pull = await github.open(
        Change({path: before + b"\n"}, "Live test", AUTHOR), branch, head, "Live test", "Ignore me"
    )
    assert (await github.get(pull.number)).state == "open"
    await github.close(pull.number, "The live test is over.")
    assert (await github.get(pull.number)).state == "closed"
