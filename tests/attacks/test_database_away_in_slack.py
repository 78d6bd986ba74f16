"""Somebody types or presses while the database is away: they hear it, nothing is half done, and the log stays calm."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.domain.promotion import Phase, Promotion, Stage
from bot.overlays.catalog import Catalog
from bot.policy import Policy
from bot.ports import Directory, Messenger, Modals, RequestLog
from bot.promotions.promotions import Promotions
from bot.promotions.scheduler import Scheduler
from bot.router import Router, open_router
from bot.store.audit import Audit
from bot.store.requests import RequestStore
from bot.views.ids import Action
from tests.fakes.command_harness import CommandHarness
from tests.fakes.messenger import FakeMessenger
from tests.fakes.outages import Outages
from tests.fakes.queue import MemoryQueue
from tests.fakes.slack_payloads import pressed, typed
from tests.fakes.world import CoreWorld, core_world


@dataclass
class Chat:
    """The router before the real promotions, the real record of requests, and a database that a test turns off."""

    world: CoreWorld
    router: Router
    outages: Outages
    heard: list[str] = field(default_factory=list)
    asked: int = 0

    async def says(self, line: str, who: str = "ana", trigger: str = "") -> str:
        self.asked += 1
        body = typed(line, who, trigger or f"t{self.asked}")
        await self.router.on_command(body, self._ack, self._respond)
        return await self._answer()

    async def presses(self, action: Action, promotion: Promotion, who: str = "bo") -> str:
        self.asked += 1
        body = pressed(action, promotion, who, self.asked)
        await self.router.on_button(body, self._ack, self._respond)
        return await self._answer()

    async def _ack(self, *said: str, **_: Any) -> None:
        """What cannot be noted down is refused in the acknowledgement."""
        self.heard += said

    async def _respond(self, *, text: str, **_: Any) -> Any:
        self.heard.append(text)
        return SimpleNamespace(status_code=200)

    async def _answer(self) -> str:
        """What was said, "" for nothing: a card says it then."""
        await asyncio.gather(*self.router._tasks._running, return_exceptions=True)
        await self.world.engine.settle()
        said, self.heard = " ".join(self.heard), []
        return said


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Chat]:
    async with core_world(tmp_path) as world:
        harness = CommandHarness()
        policy = world.steps.policy
        services = {
            **harness.services,
            Policy: policy,
            Catalog: Catalog(world.overlays, policy),
            Directory: world.directory,
            RequestLog: RequestStore(world.database),
            Promotions: world.service,
            Scheduler: Scheduler(world.service, MemoryQueue()),
            Audit: world.audit,
            Messenger: FakeMessenger(),
            Modals: FakeMessenger(),
        }
        yield Chat(world, open_router(harness.registry, services), Outages(world.database))


AWAY = "The database is away"


@pytest.mark.parametrize(
    "line", ["/deploy my-app prod", "/rollback my-app prod", "/show p-1234abcd", "/abort p-1234abcd"]
)
async def test_who_asks_hears_it_and_nothing_is_half_done(chat: Chat, line: str) -> None:
    chat.outages.begin()
    with capture_logs() as logged:
        assert AWAY in await chat.says(line)
    assert [entry for entry in logged if entry["log_level"] in ("error", "critical") or "exc_info" in entry] == []
    chat.outages.away = False
    assert await chat.world.store.all_live() == ()
    assert chat.world.engine.tapes == {}


async def test_who_asks_again_afterwards_gets_what_they_asked_for(chat: Chat) -> None:
    chat.outages.begin()
    assert AWAY in await chat.says("/deploy my-app prod")
    chat.outages.away = False
    assert AWAY not in await chat.says("/deploy my-app prod")
    (live,) = await chat.world.store.all_live()
    assert live.stage is Stage.APPROVAL


async def test_what_slack_delivers_again_is_done_then(chat: Chat) -> None:
    """The first delivery was not noted down: it has had no effect."""
    chat.outages.begin()
    assert AWAY in await chat.says("/deploy my-app prod", trigger="the same")
    chat.outages.away = False
    await chat.says("/deploy my-app prod", trigger="the same")
    await chat.says("/deploy my-app prod", trigger="the same")
    assert len(await chat.world.store.all_live()) == 1


@pytest.mark.parametrize("action", [Action.APPROVE, Action.ABORT])
async def test_who_presses_hears_it_and_presses_again(chat: Chat, action: Action) -> None:
    asked = await chat.world.deploy("ana")
    shown, who = await chat.world.now(asked), "bo" if action is Action.APPROVE else "ana"
    chat.outages.begin()
    assert AWAY in await chat.presses(action, shown, who)
    assert chat.world.promotion_commits() == []
    chat.outages.away = False
    await chat.presses(action, shown, who)
    expected = Phase.SUCCEEDED if action is Action.APPROVE else Phase.ABORTED
    assert (await chat.world.now(asked)).phase is expected


async def test_the_log_says_it_once_a_minute_however_many_ask(chat: Chat) -> None:
    chat.outages.begin()
    with capture_logs() as logged:
        for number in range(20):
            assert AWAY in await chat.says("/deploy my-app prod", trigger=f"many{number}")
    told = [entry["what"] for entry in logged if entry["event"] == "database.unavailable"]
    assert 1 <= len(told) == len(set(told)) <= 2  # read, and written
    chat.outages.away = False
