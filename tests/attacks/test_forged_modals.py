"""A modal comes back with other hidden words than it was sent with: whoever has Slack's secret can sign that, too.

Who forges what → what must happen: it is acknowledged, nothing breaks, and what it names is looked up as for anybody.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.domain.form import Input
from bot.domain.promotion import Phase
from bot.overlays.catalog import Catalog
from bot.policy import Policy
from bot.ports import Directory, Messenger, Modals, RequestLog
from bot.promotions.promotions import Promotions
from bot.promotions.scheduler import Scheduler
from bot.router import open_router
from bot.router.wire import readable
from bot.store.requests import RequestStore
from bot.views.ids import Modal
from tests.fakes.command_harness import CommandHarness
from tests.fakes.messenger import FakeMessenger
from tests.fakes.queue import MemoryQueue
from tests.fakes.world import POLICY, CoreWorld, core_world


def submission(metadata: object, who: str = "bo", callback: str = Modal.REJECT) -> dict[str, Any]:
    values = {"why": {Input.REASON: {"value": "it is broken"}}}
    view = {
        "id": "V1",
        "hash": "h1",
        "callback_id": callback,
        "private_metadata": metadata,
        "state": {"values": values},
    }
    return {"type": "view_submission", "user": {"id": f"U0{who.upper()}", "team_id": "T0PILOT"}, "view": view}


async def submit(world: CoreWorld, body: dict[str, Any]) -> list[str]:
    """What the person is told afterwards. Raises whatever escapes."""
    harness, messenger = CommandHarness(), FakeMessenger()
    policy = world.steps.policy
    services = {
        **harness.services,
        Policy: policy,
        Catalog: Catalog(world.overlays, policy),
        Directory: world.directory,
        RequestLog: RequestStore(world.database),
        Promotions: world.service,
        Scheduler: Scheduler(world.service, MemoryQueue()),
        Messenger: messenger,
        Modals: messenger,
    }
    router = open_router(harness.registry, services)
    acknowledged: list[Any] = []

    async def ack(*said: Any, **more: Any) -> None:
        acknowledged.append(said or more)

    assert readable(body)
    with capture_logs() as logged:
        await router.on_submission(body, ack)
        await asyncio.gather(*router._tasks._running, return_exceptions=True)
        await world.engine.settle()
    assert len(acknowledged) == 1
    assert [line for line in logged if line["log_level"] in ("error", "critical")] == []
    return [message.shown.text for message in messenger.messages]


FORGED: dict[str, object] = {
    "nothing": None,
    "no JSON": "{",
    "a list": "[]",
    "a number": "1",
    "a word": '"p"',
    "numbers for words": json.dumps({"p": 1, "h": 2}),
    "lists for words": json.dumps({"p": ["p-1"], "h": {"a": 1}}),
    "brackets without end": "[" * 2900,
    "braces without end": '{"p":' * 600,
    "a number without end": "9" * 2900,
    "no such promotion": json.dumps({"p": "p-abcdefgh", "h": "x" * 64}),
    "the hash alone": json.dumps({"h": "x"}),
    "a path": json.dumps({"p": "../../audit", "h": ""}),
    "a quote": json.dumps({"p": "' OR 1=1 --", "h": "'"}),
    "a promotion's name without end": json.dumps({"p": "p" * 2900, "h": ""}),
    "half a character": '{"p": "\\ud800", "h": ""}',
    "NUL": '{"p": "p\\u0000", "h": "\\u0000"}',
}


@pytest.mark.parametrize("metadata", FORGED.values(), ids=FORGED)
async def test_hidden_words_that_are_none_of_ours_break_nothing(world: CoreWorld, metadata: object) -> None:
    asked = await world.deploy("ana")
    await submit(world, submission(metadata))
    assert (await world.now(asked)).phase is Phase.RUNNING


async def test_a_hash_of_another_state_decides_nothing(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    told = await submit(world, submission(json.dumps({"p": asked.id, "h": "0" * 64})))
    assert any("out of date" in text for text in told)
    assert (await world.now(asked)).phase is Phase.RUNNING


@pytest.mark.parametrize("who", ["gus"])
async def test_who_may_not_see_a_promotion_is_told_what_anybody_is_told_of_none(tmp_path: Path, who: str) -> None:
    async with core_world(tmp_path, POLICY) as world:
        asked = await world.deploy("ana")
        seen = json.dumps({"p": asked.id, "h": asked.content_hash})
        none = json.dumps({"p": "p-abcdefgh", "h": asked.content_hash})
        told = await submit(world, submission(seen, who))
        assert told
        other = {**submission(none, who)}
        other["view"] = {**other["view"], "id": "V2"}
        assert [text.replace(asked.id, "ID") for text in told] == [
            text.replace("p-abcdefgh", "ID") for text in await submit(world, other)
        ]
        assert (await world.now(asked)).phase is Phase.RUNNING


async def test_what_was_not_forged_decides(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    now = await world.now(asked)
    await submit(world, submission(json.dumps({"p": asked.id, "h": now.content_hash})))
    assert (await world.now(asked)).phase is Phase.FAILED


@pytest.mark.parametrize("callback", ["", "modal.unknown", "deploy", "picker:deploy", "picker:rollback", "\ud83d"])
async def test_a_modal_that_we_never_made_does_nothing(world: CoreWorld, callback: str) -> None:
    body = submission("{}", callback=callback)
    if readable(body):
        await submit(world, body)
    assert await world.store.all_live() == ()
