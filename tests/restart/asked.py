"""One life of the bot as people reach it, killed at a request.

Router, inbox, engine, stores and outbox are the real ones; Slack is a server in the test's process. Each request stands
still at its point, and when all of them do the process kills itself; or it does so after a random time.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import structlog
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.routing import Route

from bot.app.core import Core
from bot.app.serving import port_open
from bot.domain.promotion import Promotion, Stage
from bot.ports import Request
from bot.router import bolt_app
from bot.router.http import SlackRequests
from bot.router.signature import SlackSignature
from integrations.sandbox.slack.server import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET
from integrations.slack import SlackApi, SlackModals
from tests.restart.cases import Case
from tests.restart.child import Life, ask, assemble, promotion_of

NOTED, ACKNOWLEDGED, EFFECT, DONE = "noted", "acknowledged", "effect", "done"
POINTS = (NOTED, ACKNOWLEDGED, EFFECT, DONE)
"""stored and not acknowledged · acknowledged and not begun · its effect is there, its answer not · told, not settled"""
ON_ITS_WAY = 1.5
"""seconds for an acknowledgement to leave the process"""


@dataclass(frozen=True)
class Asked:
    """`places`: what a request's body contains → the point at which it stands still. `within`: 0, or seconds."""

    life: Life
    slack_url: str
    port: int = 0
    """0 for Socket Mode"""
    waiting: tuple[Case, ...] = ()
    """which wait for an approval before anybody reaches the bot"""
    places: Mapping[str, str] = field(default_factory=dict)
    within: float = 0.0


class Stand:
    """Where requests stand still; the process dies when all are there."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._points: dict[str, str] = {}
        self._arrived: set[str] = set()

    def know(self, request: Request) -> None:
        place = next((point for word, point in self._asked.places.items() if word in request.body), "")
        self._points.setdefault(request.id, place)
        if self._asked.within:
            asyncio.get_running_loop().call_later(random.uniform(0, self._asked.within), die)

    async def at(self, point: str, id: str) -> None:
        if self._points.get(id) != point:
            return
        self._arrived.add(id)
        if len(self._arrived) == len(self._asked.places):
            await asyncio.sleep(ON_ITS_WAY)
            die()
        await asyncio.Event().wait()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hold(core: Core[Any], stand: Stand) -> None:
    """Puts the points into what notes, does, answers and settles."""
    requests, router = core.stores.requests, core.router
    note, settle, work = requests.note, requests.settle, router.handlers.handle
    reply, refuse = router.handlers._answers.reply, router.handlers._answers.refuse

    async def noted(request: Request) -> bool:
        new = await note(request)
        stand.know(request)
        await stand.at(NOTED, request.id)
        return new

    async def handled(request: Request, respond: Any = None) -> bool:
        await stand.at(ACKNOWLEDGED, request.id)
        return await work(request, respond)

    async def answered(answer: Any, incoming: Any, respond: Any) -> None:
        await stand.at(EFFECT, incoming.request_id)
        await reply(answer, incoming, respond)

    async def refused(sentence: str, incoming: Any, respond: Any) -> None:
        await stand.at(EFFECT, incoming.request_id)
        await refuse(sentence, incoming, respond)

    async def settled(id: str) -> None:
        await stand.at(DONE, id)
        await settle(id)

    router.inbox._work = handled
    for place, name, held in (
        (requests, "note", noted),
        (requests, "settle", settled),
        (router.handlers._answers, "reply", answered),
        (router.handlers._answers, "refuse", refused),
    ):
        setattr(place, name, held)


async def live(asked: Asked) -> None:
    async with AsyncExitStack() as stack:
        child = await assemble(asked.life, stack)
        api = SlackApi(lambda: BOT_TOKEN, f"{asked.slack_url}/api/")
        stack.push_async_callback(api.aclose)
        core = replace(child.core, outside=replace(child.core.outside, modals=SlackModals(api)))
        core.stores.requests._patience = 60
        hold(core, Stand(asked))
        app = bolt_app(core.router, api.client, lambda: BOT_TOKEN, lambda: SIGNING_SECRET)
        await core.engine.launch()
        stack.push_async_callback(core.engine.close)
        await core.service.resume()
        tasks = [asyncio.create_task(loop(), name=name) for name, loop in core.loops()]
        stack.callback(lambda: [task.cancel() for task in tasks])
        await ask(replace(child, core=core), replace(asked.life, cases=asked.waiting))
        await _all_wait(core, (promotion_of(case) for case in asked.waiting))
        await _reach(app, asked, stack)
        print("ready", flush=True)
        await asyncio.gather(*tasks)


async def _all_wait(core: Core[Any], promotions: Iterable[str]) -> None:
    for id in promotions:
        while not _waits(await core.stores.promotions.get(id)):  # noqa: ASYNC110 (its story does it)
            await asyncio.sleep(0.05)


def _waits(promotion: Promotion | None) -> bool:
    return promotion is not None and (promotion.phase.final or promotion.stage is Stage.APPROVAL)


async def _reach(app: AsyncApp, asked: Asked, stack: AsyncExitStack) -> None:
    if asked.port:
        requests = SlackRequests(app, SlackSignature(lambda: SIGNING_SECRET))
        web = Starlette(routes=[Route("/slack/events", requests.answer, methods=["POST"])])
        await stack.enter_async_context(port_open(web, "127.0.0.1", asked.port))
        return
    handler = AsyncSocketModeHandler(app, APP_TOKEN, web_client=AsyncWebClient(base_url=f"{asked.slack_url}/api/"))
    await handler.connect_async()  # type: ignore[no-untyped-call]
    stack.push_async_callback(handler.close_async)


def main(file: str) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(live(msgspec.json.decode(Path(file).read_bytes(), type=Asked)))
