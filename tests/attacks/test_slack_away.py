"""Slack answers half of what it is asked: cards come all the same, and what is not known is not shown as nothing."""

import asyncio
import gc
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.domain.errors import NotFound, Refused, Unavailable
from bot.domain.promotion import Phase
from bot.ports import Messenger, Modals, Rendered
from bot.router import open_router
from integrations.sandbox.slack.blockkit.surfaces import view_definition
from integrations.slack import SlackApi, SlackMessenger
from tests.contract.test_slack_wire import Recorder
from tests.fakes.command_harness import CommandHarness
from tests.fakes.messenger import FakeMessenger
from tests.fakes.queues import delivered
from tests.fakes.world import CoreWorld, core_world


class HalfAway(Recorder):
    """Answers everything but the reads that make sure."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    async def answer(self, method: str, arguments: Any, **more: Any) -> Any:
        if method in ("conversations.history", "conversations.replies"):
            raise self.error
        return await super().answer(method, arguments, **more)


@pytest.mark.parametrize("thread", ["", "1.1"])
@pytest.mark.parametrize(
    "error",
    [
        Unavailable("Slack", "conversations.history", "ratelimited"),
        Unavailable("Slack", "conversations.history", "status 503"),
        Unavailable("Slack", "conversations.history", "no answer within 10 seconds"),
        Refused("Slack", "conversations.history", "missing_scope"),
        Refused("Slack", "conversations.history", "the answer is not Slack's"),
    ],
    ids=str,
)
async def test_a_card_comes_though_nobody_can_look_for_an_earlier_one(error: Exception, thread: str) -> None:
    api = HalfAway(error)
    posted = await SlackMessenger(api).post("C0DEPLOY", Rendered("card"), thread=thread, key="card:1")
    assert posted.ts
    assert [method for method, _ in api.sent] == ["chat.postMessage"]


async def test_a_missing_app_level_token_is_called_by_its_name() -> None:
    api = SlackApi(lambda: "")
    with pytest.raises(Refused, match="PILOTHOUSE_SLACK__APP_TOKEN"):
        await api.write("apps.connections.open", idempotent=True)
    with pytest.raises(Refused, match="PILOTHOUSE_SLACK__BOT_TOKEN"):
        await api.read("auth.test")


@pytest.mark.parametrize("thread", ["", "1.1"])
async def test_a_first_try_reads_no_history(thread: str) -> None:
    api = Recorder()
    await SlackMessenger(api).post("C0DEPLOY", Rendered("card"), thread=thread, key="card:1", first=True)
    assert [method for method, _ in api.sent] == ["chat.postMessage"]


@pytest.mark.parametrize("thread", ["", "1.1"])
async def test_a_repetition_reads_it(thread: str) -> None:
    api = Recorder()
    await SlackMessenger(api).post("C0DEPLOY", Rendered("card"), thread=thread, key="card:1")
    assert [method for method, _ in api.sent] == [
        "conversations.replies" if thread else "conversations.history",
        "chat.postMessage",
    ]


class NoHome:
    """Slack takes no Home tab, or none of the first kind."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.shown: list[Any] = []

    async def open(self, trigger: str, view: Any) -> str:
        raise AssertionError

    async def update(self, view_id: str, view: Any) -> None:
        raise AssertionError

    async def publish_home(self, user: str, view: Any) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.shown.append(view)


REFUSALS = [
    Refused("Slack", "views.publish", "invalid_arguments"),
    Refused("Slack", "views.publish", "not_enabled"),
    NotFound("Slack", "views.publish", "user_not_found"),
    Unavailable("Slack", "views.publish", "ratelimited"),
    RuntimeError("a fault of ours"),
]


async def home_of(modals: NoHome, directory: Path) -> list[Any]:
    """What is logged when somebody opens the Home tab."""
    harness = CommandHarness(database_url=f"sqlite:///{directory / 'words.db'}")
    await harness.safety.create()
    router = open_router(harness.registry, {**harness.services, Messenger: FakeMessenger(), Modals: modals})

    async def ack(*_: Any, **__: Any) -> None:
        return None

    broken: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))
    with capture_logs() as logged:
        body = {"event_id": "E1", "team_id": "T0PILOT",
                "event": {"type": "app_home_opened", "user": "U0ANA", "tab": "home", "channel": "D0ANA"}}  # fmt: skip
        await router.on_home(body, ack)
        await router.drain(5)
        await asyncio.sleep(0)
        del router
        gc.collect()
    await harness.safety.database.close()
    assert not broken
    return logged


@pytest.mark.parametrize("error", REFUSALS, ids=repr)
async def test_a_home_that_slack_refuses_says_why_in_its_place(error: Exception, tmp_path: Path) -> None:
    modals = NoHome(error)
    await home_of(modals, tmp_path)
    [view] = modals.shown
    assert view["type"] == "home"
    view_definition(view, "home")


@pytest.mark.parametrize("error", REFUSALS, ids=repr)
async def test_a_home_that_slack_refuses_twice_is_a_line_in_the_log(error: Exception, tmp_path: Path) -> None:
    modals = NoHome(error, error)
    logged = await home_of(modals, tmp_path)
    assert not modals.shown
    assert [line["event"] for line in logged if line["event"] in ("home.not_shown", "handler.broke")] != []


QUIET = ("whisper", "direct", "permalink")
METHODS = ("post", "update", *QUIET)
LIMITED = Unavailable("Slack", "any method", "ratelimited", timedelta(seconds=30))
SILENT = Unavailable("Slack", "any method", "no answer within 10 seconds")
STORMS = [(("post",), LIMITED), (("update",), LIMITED), (QUIET, LIMITED), (METHODS, LIMITED), (METHODS, SILENT)]


async def minutes(world: CoreWorld, number: int) -> None:
    for _ in range(number):
        await world.engine.pass_time(timedelta(minutes=1))
        await delivered(world.core.outbox)


async def promoted(directory: Path, methods: tuple[str, ...], error: Exception) -> Counter[tuple[str, str, str]]:
    """What stands in the workspace at the end, when Slack takes none of these for ten minutes on the way."""
    directory.mkdir()  # noqa: ASYNC240 (nobody waits)

    async def storm(*_: Any, **__: Any) -> None:
        raise error

    async with core_world(directory) as world:
        for method in methods:
            setattr(world.messenger, method, storm)
        asked = await world.deploy("ana")
        await minutes(world, 5)
        await world.approve("bo", asked)
        await minutes(world, 5)
        assert (await world.now(asked)).phase is Phase.SUCCEEDED, "nobody waits for Slack"
        for method in methods:
            delattr(world.messenger, method)
        await minutes(world, 10)
        counts = await world.core.outbox.counts()
        assert (counts.pending, counts.dead, counts.stale_cards) == (0, 0, 0)
        # Who was to be asked and could not be is not asked about what is over.
        seen = [m for m in world.messenger.messages if not (m.only_for or m.posted.channel[0] + m.key[:4] == "Dcard")]
        return Counter((m.posted.channel, m.key.partition(":")[0], m.shown.text.replace(asked.id, "")) for m in seen)


async def test_ten_minutes_without_slack_cost_time_and_nothing_else(tmp_path: Path) -> None:
    """Afterwards everything is said that is said otherwise, once, and the card shows the end."""
    calm = await promoted(tmp_path / "calm", (), LIMITED)
    assert calm
    for number, (methods, error) in enumerate(STORMS):
        assert await promoted(tmp_path / str(number), methods, error) == calm, (methods, error)
