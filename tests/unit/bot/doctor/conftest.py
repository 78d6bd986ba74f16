"""The whole outside world on real sockets, without a bot, and settings to reach it by."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager

import pytest
import pytest_asyncio

from bot.doctor import CheckOutcome, Finding, examine
from bot.settings import Settings
from bot.store.database import Database
from integrations.sandbox.clock import Clock
from integrations.sandbox.serving import serve
from integrations.sandbox.slack.limits import RateLimits
from integrations.sandbox.world import SERVED, World
from tests.fakes.databases import create_tables


class DoctorHarness:
    """The bot's environment in that world, to be spoiled and examined."""

    def __init__(self, world: World, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = world
        self.environment = dict(environment)
        self._monkeypatch = monkeypatch

    @contextmanager
    def spoiled(self, **settings: str) -> Iterator[None]:
        """With other settings, named without their prefix; "" takes one away."""
        with self._monkeypatch.context() as patched:
            changed = {f"PILOTHOUSE_{name.upper()}": value for name, value in settings.items()}
            for name, value in {**self.environment, **changed}.items():
                if value:
                    patched.setenv(name, value)
            yield

    async def examined(self, *, seconds: float = 20, **settings: str) -> dict[str, Finding]:
        """By "system: subject"."""
        with self.spoiled(**settings):
            found = await examine(Settings(), seconds)
        return {f"{finding.system}: {finding.subject}": finding for finding in found}

    async def wrong(self, **settings: str) -> dict[str, Finding]:
        found = await self.examined(seconds=20, **settings)
        return {name: finding for name, finding in found.items() if finding.outcome is CheckOutcome.WRONG}

    def policy(self, text: str) -> str:
        """Another policy file of that text; its path."""
        file = self.world.data / "other.yaml"
        file.write_text(text)
        return str(file)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    world = World(tmp_path_factory.mktemp("world"), Clock(20), 0)
    async with AsyncExitStack() as stack:
        await world.seed()
        for name in SERVED:
            world.urls[name] = await stack.enter_async_context(serve(getattr(world, name).app))
        world.slack.limits = RateLimits(enabled=False)
        world.slack.public_url = world.urls["slack"]
        stack.push_async_callback(world.slack.aclose)
        stack.push_async_callback(world.harbor.close)
        database = Database(world.bot_settings()["PILOTHOUSE_DATABASE_URL"])
        await create_tables(database)
        await database.close()
        yield world


@pytest.fixture
def harness(world: World, monkeypatch: pytest.MonkeyPatch) -> DoctorHarness:
    return DoctorHarness(world, world.bot_settings(), monkeypatch)
