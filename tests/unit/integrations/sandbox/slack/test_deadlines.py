"""What happens when the app is late, in time that a test moves by hand (S10, S11, S15)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from integrations.sandbox.slack.clock import within
from integrations.sandbox.slack.delivery import Answer, SlackDelivery
from integrations.sandbox.slack.limits import RateLimits
from integrations.sandbox.slack.server import SlackServer
from tests.unit.integrations.sandbox.slack.manual_clock import ManualClock
from tests.waiting import until


class DeafApp:
    """Receives deliveries and answers as it is told."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.received: list[SlackDelivery] = []

    async def deliver(self, delivery: SlackDelivery) -> Answer:
        self.received.append(delivery)
        return self.answer


class World:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.slack = SlackServer(clock=self.clock, commands=["/deploy"], limits=RateLimits(enabled=False))
        self.slack.public_url = "http://slack.invalid"
        self.app = DeafApp(Answer(False, error="operation_timeout", reason="timeout"))
        self.slack.transport = self.app


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.slack.aclose()


async def test_late_command_shows_an_error_and_is_not_sent_again(world: World) -> None:
    """S10."""
    result = await world.slack.command("ana", "deployments", "/deploy my-app prod")
    assert (result["ok"], result["acked"], result["error"]) == (False, False, "operation_timeout")
    (shown,) = world.slack.messages("deployments", "ana")
    assert shown["text"] == '/deploy failed with the error "operation_timeout"'
    await world.clock.pass_time(600)
    assert len(world.app.received) == 1


async def test_event_comes_again_at_once_after_a_minute_and_after_five(world: World) -> None:
    """S11: the same event_id, a counted attempt with its reason, then no more."""
    world.slack.mention("ana", "deployments", "hello")
    await until(lambda: len(world.app.received) == 2)
    await world.clock.pass_time(59)
    assert len(world.app.received) == 2
    await world.clock.pass_time(1)
    await until(lambda: len(world.app.received) == 3)
    await world.clock.pass_time(299)
    assert len(world.app.received) == 3
    await world.clock.pass_time(1)
    await until(lambda: any("given up" in complaint for complaint in world.slack.complaints))
    assert [(d.retry_attempt, d.retry_reason) for d in world.app.received] == [
        (0, ""),
        (1, "timeout"),
        (2, "timeout"),
        (3, "timeout"),
    ]
    assert len({d.payload["event_id"] for d in world.app.received}) == 1


async def test_event_that_is_acknowledged_the_second_time_is_done(world: World) -> None:
    """S11."""
    world.slack.mention("ana", "deployments", "hello")
    await until(lambda: len(world.app.received) == 2)
    world.app.answer = Answer(True)
    await world.clock.pass_time(60)
    await until(lambda: len(world.app.received) == 3)
    await world.clock.pass_time(600)
    assert len(world.app.received) == 3


async def test_answer_that_forbids_retries_is_obeyed(world: World) -> None:
    """S11: X-Slack-No-Retry."""
    world.app.answer = Answer(False, error="dispatch_failed", reason="http_error", no_retry=True)
    world.slack.mention("ana", "deployments", "hello")
    await until(lambda: world.app.received)
    await world.clock.pass_time(600)
    assert len(world.app.received) == 1


async def test_only_subscribed_events_are_sent(world: World) -> None:
    world.app.answer = Answer(True)
    world.slack.message("ana", "deployments", "not for the app")
    await world.slack.open_home("ana")
    assert [d.payload["event"]["type"] for d in world.app.received] == ["app_home_opened"]
    world.slack.config.events = frozenset({"message.channels", "user_change", "subteam_members_changed"})
    world.slack.message("ana", "deployments", "now it is")
    world.slack.set_group("engineers", ["cy"])
    world.slack.deactivate("ana")
    await until(lambda: len(world.app.received) == 4)
    kinds = {d.payload["event"]["type"]: d.payload["event"] for d in world.app.received}
    assert kinds["message"]["channel_type"] == "channel"
    assert kinds["subteam_members_changed"]["added_users"] == ["U0CY"]
    assert kinds["user_change"]["user"]["deleted"] is True


async def test_the_wait_for_an_acknowledgement_is_three_seconds() -> None:
    """S10."""
    clock = ManualClock()
    silent: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(within(clock, silent, 3.0))
    await clock.pass_time(2.9)
    assert not waiting.done()
    await clock.pass_time(0.2)
    with pytest.raises(TimeoutError):
        await waiting
