"""What everything that changes overlays by pull request must do."""

from collections.abc import Mapping
from typing import Protocol

import pytest

from bot.domain.errors import NotFound, Refused
from bot.ports import PullRequests
from tests.contract.overlays import ANA, BEFORE, OTHER, PATH, Overlays, change

BRANCH = "pilothouse/my-app-production-p1"


class PullRunner(PullRequests, Protocol):
    """The port, by the name that worlds use."""


class World(Protocol):
    overlays: Overlays
    pulls: PullRunner

    async def push(self, files: Mapping[str, bytes]) -> str: ...

    async def report(self, number: int, state: str) -> None:
        """CI says "pending", "success" or "failure" of the pull request's head."""

    async def content(self, path: str) -> bytes | None:
        """On the branch that pull requests go into."""


class PullContract:
    """Subclasses give the fixture `world`."""

    async def test_an_open_pull_request_changes_nothing_yet(self, world: World) -> None:
        head = await world.overlays.head()
        pull = await world.pulls.open(change(), BRANCH, head, "Promote my-app", "Please")
        assert pull.state == "open"
        assert pull.number > 0
        assert pull.url.endswith(f"/pull/{pull.number}")
        assert pull.merge_commit == ""
        assert await world.overlays.head() == head
        assert await world.content(PATH) == BEFORE

    async def test_opening_twice_finds_the_first(self, world: World) -> None:
        head = await world.overlays.head()
        first = await world.pulls.open(change(), BRANCH, head, "Promote my-app", "Please")
        second = await world.pulls.open(change(), BRANCH, head, "Promote my-app", "Please")
        assert first.number == second.number
        other = await world.pulls.open(change(path=OTHER), f"{BRANCH}-other", head, "Another", "")
        assert other.number != first.number

    async def test_the_open_one_of_a_branch_is_found(self, world: World) -> None:
        assert await world.pulls.opened(BRANCH) is None
        pull = await world.pulls.open(change(), BRANCH, await world.overlays.head(), "Promote", "")
        found = await world.pulls.opened(BRANCH)
        assert found is not None
        assert found.number == pull.number
        await world.pulls.close(pull.number, "Aborted")
        assert await world.pulls.opened(BRANCH) is None

    async def test_checks_are_told(self, world: World) -> None:
        pull = await world.pulls.open(change(), BRANCH, await world.overlays.head(), "Promote", "")
        for state in ("pending", "success"):
            await world.report(pull.number, state)
            assert (await world.pulls.get(pull.number)).checks == state

    async def test_a_failed_check_is_told(self, world: World) -> None:
        pull = await world.pulls.open(change(), BRANCH, await world.overlays.head(), "Promote", "")
        await world.report(pull.number, "failure")
        assert (await world.pulls.get(pull.number)).checks == "failure"

    async def test_a_merge_writes_the_change_on_whatever_the_head_is_now(self, world: World) -> None:
        pull = await world.pulls.open(change(), BRANCH, await world.overlays.head(), "Promote", "")
        await world.push({OTHER: b"by hand\n"})
        merged = await world.pulls.merge(pull.number, pull.head, "Promote my-app\n\nPromotion-Id: p-1", ANA)
        assert merged.state == "merged"
        assert merged.merge_commit == await world.overlays.head()
        assert await world.content(PATH) == b"new\n"
        assert await world.content(OTHER) == b"by hand\n"
        newest = (await world.overlays.history("", 1))[0]
        assert newest.trailer("Promotion-Id") == "p-1"

    async def test_merging_twice_is_merging_once(self, world: World) -> None:
        pull = await world.pulls.open(change(), BRANCH, await world.overlays.head(), "Promote", "")
        first = await world.pulls.merge(pull.number, pull.head, "Promote", ANA)
        assert await world.pulls.merge(pull.number, pull.head, "Promote", ANA) == first

    async def test_a_closed_pull_request_is_not_merged(self, world: World) -> None:
        pull = await world.pulls.open(change(), BRANCH, await world.overlays.head(), "Promote", "")
        await world.pulls.close(pull.number, "Rejected by Bo: too late")
        await world.pulls.close(pull.number, "again")
        assert (await world.pulls.get(pull.number)).state == "closed"
        with pytest.raises(Refused, match="closed"):
            await world.pulls.merge(pull.number, pull.head, "Promote", ANA)
        assert await world.content(PATH) == BEFORE

    async def test_after_a_closed_one_another_can_be_opened(self, world: World) -> None:
        head = await world.overlays.head()
        first = await world.pulls.open(change(), BRANCH, head, "Promote", "")
        await world.pulls.close(first.number, "Rejected")
        second = await world.pulls.open(change(b"other\n"), BRANCH, head, "Promote", "")
        assert second.number != first.number
        await world.pulls.merge(second.number, second.head, "Promote", ANA)
        assert await world.content(PATH) == b"other\n"

    async def test_an_unknown_pull_request_is_not_found(self, world: World) -> None:
        with pytest.raises(NotFound):
            await world.pulls.get(4711)
        with pytest.raises(NotFound):
            await world.pulls.merge(4711, "f" * 40, "x", ANA)
