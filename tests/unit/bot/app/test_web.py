"""The probes: alive while its own loops run, ready while work is taken."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import httpx
import pytest
from prometheus_client import CollectorRegistry, Gauge
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.app.core import Core
from bot.app.parts import Pilothouse
from bot.app.serving import web_of
from bot.app.supervisor import Supervisor
from bot.app.web import web
from bot.ports import Messenger, Modals
from bot.router import Router, open_router
from bot.settings import Settings
from bot.store.outbox import Counts
from bot.workflow.durable import DurableEngine
from integrations.sandbox.serving import serve
from tests.fakes.command_harness import CommandHarness
from tests.fakes.messenger import FakeMessenger


@dataclass
class Parts:
    loops: dict[str, bool] = field(default_factory=lambda: {"messages": True, "webhooks": True})
    ready: dict[str, bool] = field(default_factory=lambda: {"slack": True, "taking work": True})
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def alive(self) -> Mapping[str, bool]:
        return self.loops

    async def readiness(self) -> Mapping[str, bool]:
        return self.ready


async def nothing() -> None:
    return None


@asynccontextmanager
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bot") as http:
        yield http


async def test_an_argo_cd_that_is_not_heard_is_named_and_takes_nobody_out_of_service() -> None:
    parts = Parts()
    app = web(parts.alive, parts.readiness, parts.registry, nothing, None, (), lambda: {"hears Argo CD": False})
    async with client(app) as http:
        answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()["hears Argo CD"]) == (200, False)


async def test_it_is_alive_while_every_background_loop_runs() -> None:
    parts = Parts()
    async with client(web(parts.alive, parts.readiness, parts.registry, nothing, None, ())) as http:
        answer = await http.get("/livez")
        assert (answer.status_code, answer.json()) == (200, {"messages": True, "webhooks": True})
        parts.loops["webhooks"] = False
        answer = await http.get("/livez")
        assert (answer.status_code, answer.json()) == (503, {"messages": True, "webhooks": False})


async def test_a_stuck_event_loop_is_found_out_by_the_probes_own_timeout() -> None:
    """Nothing answers while a handler blocks: kubelet's timeout is the answer."""

    blocked, free = threading.Event(), threading.Event()

    async def block(_: Request) -> Response:
        blocked.set()
        free.wait(60)  # that is the fault
        return Response()

    parts = Parts()
    app = web(parts.alive, parts.readiness, parts.registry, nothing, None, (Route("/block", block),))
    urls: list[str] = []
    stop = threading.Event()

    async def server() -> None:
        async with serve(app) as url:
            urls.append(url)
            while not stop.is_set():  # noqa: ASYNC110 (set by another thread)
                await asyncio.sleep(0.01)

    thread = threading.Thread(target=asyncio.run, args=(server(),))
    thread.start()
    try:
        while not urls:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        async with httpx.AsyncClient(base_url=urls[0], trust_env=False) as http:
            blocking = asyncio.create_task(http.get("/block"))
            while not blocked.is_set():  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            with pytest.raises(httpx.ReadTimeout):
                await http.get("/livez", timeout=0.2)
            free.set()
            await blocking
            assert (await http.get("/livez")).status_code == 200
    finally:
        free.set()
        stop.set()
        await asyncio.to_thread(thread.join)


@pytest.mark.parametrize("part", ["slack", "taking work"])
async def test_it_is_not_ready_while_a_part_is_not_and_says_which(part: str) -> None:
    parts = Parts()
    async with client(web(parts.alive, parts.readiness, parts.registry, nothing, None, ())) as http:
        assert (await http.get("/readyz")).status_code == 200
        parts.ready[part] = False
        answer = await http.get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {"slack": part != "slack", "taking work": part != "taking work"}
        assert (await http.get("/livez")).status_code == 200


async def test_metrics_are_refreshed_before_they_are_told() -> None:
    parts = Parts()
    gauge = Gauge("pilothouse_waiting", "Waiting.", registry=parts.registry)

    async def refresh() -> None:
        gauge.set(7)

    async with client(web(parts.alive, parts.readiness, parts.registry, refresh, None, ())) as http:
        answer = await http.get("/metrics")
    assert "pilothouse_waiting 7.0" in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


async def test_slack_and_webhooks_are_there_only_when_they_are_given() -> None:
    parts = Parts()

    async def answer(_: Request) -> Response:
        return JSONResponse({})

    async with client(web(parts.alive, parts.readiness, parts.registry, nothing, None, ())) as http:
        assert (await http.post("/slack/events")).status_code == 404
        assert (await http.post("/webhooks/github")).status_code == 404
    hooks = (Route("/webhooks/github", answer, methods=["POST"]),)
    async with client(web(parts.alive, parts.readiness, parts.registry, nothing, answer, hooks)) as http:
        assert (await http.post("/slack/events")).status_code == 200
        assert (await http.get("/slack/events")).status_code == 405
        assert (await http.post("/webhooks/github")).status_code == 200


async def test_while_it_stops_it_is_alive_and_not_ready() -> None:
    """The bot's own composition: draining closes the router, and readiness with it."""
    harness = CommandHarness()
    router = open_router(harness.registry, {**harness.services, Messenger: FakeMessenger(), Modals: None})
    connected = True

    async def is_connected() -> bool:
        return connected

    bot = running(router, is_connected)
    async with client(web_of_running(bot)) as http:
        parts = ("database", "durable engine", "slack", "taking work", "hears pipeline runs")
        everything = dict.fromkeys(parts, True)
        assert (await http.get("/readyz")).json() == everything
        await router.drain(1)
        answer = await http.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {**everything, "taking work": False})
        assert (await http.get("/livez")).status_code == 200
        connected = False
        assert (await http.get("/readyz")).json()["slack"] is False


async def test_a_lost_stream_is_shown_and_does_not_make_it_unready() -> None:
    """K6: cards that freeze would else look like pipelines in which nothing happens."""
    harness, standing = CommandHarness(), True
    router = open_router(harness.registry, {**harness.services, Messenger: FakeMessenger(), Modals: None})

    async def connected() -> bool:
        return standing

    bot = running(router, connected)
    bot.hears_runs = lambda: standing
    async with client(web_of_running(bot)) as http:
        told = (await http.get("/metrics")).text
        assert 'pilothouse_stream_alive{stream="pipeline runs"} 1.0' in told
        assert 'pilothouse_stream_alive{stream="slack"} 1.0' in told
        standing = False
        told = (await http.get("/metrics")).text
        assert 'pilothouse_stream_alive{stream="pipeline runs"} 0.0' in told
        assert 'pilothouse_stream_alive{stream="slack"} 0.0' in told
        standing = True
        bot.hears_runs = lambda: False
        answer = await http.get("/readyz")
        assert (answer.status_code, answer.json()["hears pipeline runs"]) == (200, False)


class Answering:
    """The database and the durable engine: `how` they answer."""

    def __init__(self) -> None:
        self.how = "yes"

    async def answers(self) -> bool:
        if self.how == "never":
            await asyncio.sleep(3600)
        if self.how == "broken":
            raise RuntimeError("the engine is not up")
        return self.how == "yes"

    beat = answers


async def nothing_to_say() -> Counts:
    return Counts(0, 0, 0)


async def nothing_asked() -> tuple[int, float | None]:
    return 0, None


def running(router: Router, connected: Callable[[], Awaitable[bool]]) -> Pilothouse:
    bot = Pilothouse.__new__(Pilothouse)
    bot.settings, bot.connected, bot.supervisor = Settings(), connected, Supervisor()
    bot.hears_runs = lambda: True
    stores = SimpleNamespace(database=Answering(), requests=SimpleNamespace(oldest=nothing_asked))
    core = SimpleNamespace(router=router, engine=Answering(), stores=stores, application_observers=(),
                           outbox=SimpleNamespace(counts=nothing_to_say), seconds=time.time)  # fmt: skip
    bot.core = cast("Core[DurableEngine]", core)
    bot.webhooks = type("NoWebhooks", (), {"routes": ()})()
    return bot


def web_of_running(bot: Pilothouse) -> Starlette:
    app = web_of(bot)
    assert isinstance(app, Starlette)
    return app


@pytest.mark.parametrize("part", ["database", "durable engine"])
@pytest.mark.parametrize("how", ["no", "never", "broken"])
async def test_what_is_away_is_named_by_readiness_and_alive_is_who_waits_for_it(
    monkeypatch: pytest.MonkeyPatch, part: str, how: str
) -> None:
    """A restart brings no database back: it would only end what waits for it."""
    monkeypatch.setattr("bot.app.serving.READY_SECONDS", 0.05)
    harness = CommandHarness()
    router = open_router(harness.registry, {**harness.services, Messenger: FakeMessenger(), Modals: None})

    async def connected() -> bool:
        return True

    bot = running(router, connected)
    away = bot.core.stores.database if part == "database" else bot.core.engine
    away.how = how  # type: ignore[union-attr]
    async with client(web_of_running(bot)) as http:
        answer = await asyncio.wait_for(http.get("/readyz"), 30)
        assert answer.status_code == 503
        assert [name for name, there in answer.json().items() if not there] == [part]
        assert (await http.get("/livez")).status_code == 200
