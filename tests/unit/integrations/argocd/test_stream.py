"""Following Applications: what the stream loses, how it breaks, and what the reader is told."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, aclosing, asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.application import Application, HealthStatus
from bot.domain.errors import Refused, Unavailable
from bot.settings import ArgoCDSettings
from integrations.argocd import ArgoCD, wire
from integrations.argocd.convert import application
from integrations.argocd.merge import Sighting
from integrations.argocd.pauses import PAUSE_EVERY
from integrations.argocd.stream import Stream, StreamOpened
from integrations.http import Answer, Connection, HttpPolicy
from tests.waiting import until

QUICK = HttpPolicy(connect=0.5, read=2, total=3, attempts=1, line_limit=10_000)
JSON, EVENTS = b"application/json", b"text/event-stream"


def app(name: str, version: int, health: str = "Healthy", namespace: str = "argocd") -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "resourceVersion": str(version)}
    return {"metadata": metadata, "spec": {"project": "apps"}, "status": {"health": {"status": health}}}


@dataclass
class Server:
    """Lists what `apps` says, and streams the lines that tests put into `lines`; None ends the stream."""

    apps: list[dict[str, Any]] = field(default_factory=list)
    lines: "asyncio.Queue[bytes | None]" = field(default_factory=asyncio.Queue)
    content_type: bytes = JSON
    status: bytes = b"200 OK"
    asked: list[str] = field(default_factory=list)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, kind: str, application: dict[str, Any]) -> None:
        line = json.dumps({"result": {"type": kind, "application": application}}).encode()
        self.lines.put_nowait(line + b"\n" if self.content_type == JSON else b"data: " + line + b"\n\n")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        serving: set[asyncio.Task[None]] = set()

        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            serving.add(asyncio.create_task(self._serve(reader, writer)))

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(head)
            self.was_asked.set()
            writer.write(b"HTTP/1.1 " + self.status + b"\r\nConnection: close\r\n")
            if "/stream/" in head and self.status.startswith(b"200"):
                writer.write(b"Content-Type: " + self.content_type + b"\r\n\r\n")
                await writer.drain()
                while (line := await self.lines.get()) is not None:
                    writer.write(line)
                    await writer.drain()
            else:
                body = json.dumps({"items": self.apps or None}).encode()
                writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()

    @property
    def lists(self) -> int:
        return sum("/api/v1/applications" in head for head in self.asked)


@asynccontextmanager
async def following(server: Server, relist: float = 60) -> AsyncIterator[AsyncIterator[Application]]:
    settings = ArgoCDSettings(url="http://127.0.0.1", project="apps")
    async with (
        asyncio.timeout(30),
        server.running() as url,
        ArgoCD(settings.model_copy(update={"url": url}), QUICK, timedelta(seconds=relist)) as argocd,
        aclosing(argocd.changes("production")) as changes,  # type: ignore[type-var]
    ):
        yield changes


@pytest.mark.parametrize("content_type", [JSON, EVENTS])
async def test_bare_json_lines_are_read_like_server_sent_events(content_type: bytes) -> None:
    """A9."""
    server = Server([app("a", 1)], content_type=content_type)
    async with following(server) as changes:
        assert (await anext(changes)).health is HealthStatus.HEALTHY
        server.lines.put_nowait(b":\n\n" if content_type == EVENTS else b"\n")
        server.send("MODIFIED", app("a", 2, "Progressing"))
        assert (await anext(changes)).health is HealthStatus.PROGRESSING
    (stream,) = [head for head in server.asked if "/stream/" in head]
    assert "accept: text/event-stream" in stream.lower()


async def test_the_server_is_asked_to_subscribe_at_once() -> None:
    """A10: without a resourceVersion it sends its state first and subscribes afterwards."""
    server = Server([app("a", 1)])
    async with following(server) as changes:
        await anext(changes)
    (stream,) = [head for head in server.asked if "/stream/" in head]
    assert "resourceVersion=0" in stream
    assert "projects=apps" in stream


async def test_a_change_that_the_stream_lost_comes_with_the_next_list() -> None:
    """A10."""
    server = Server([app("a", 1)])
    async with following(server, relist=0.2) as changes:
        await anext(changes)
        server.apps = [app("a", 5, "Degraded"), app("b", 6)]
        told = [await anext(changes), await anext(changes)]
    assert [(a.ref.name, a.health) for a in told] == [("a", HealthStatus.DEGRADED), ("b", HealthStatus.HEALTHY)]


async def test_equal_names_in_two_namespaces_are_two_applications() -> None:
    """A11."""
    server = Server([app("a", 1, "Healthy", "one"), app("a", 2, "Degraded", "two")])
    async with following(server) as changes:
        told = [await anext(changes), await anext(changes)]
        server.send("MODIFIED", app("a", 3, "Healthy", "two"))
        told.append(await anext(changes))
    assert [a.health.value for a in told] == ["Healthy", "Degraded", "Healthy"]
    assert [a.url.rsplit("/", 2)[1] for a in told] == ["one", "two", "two"]


async def test_links_lead_where_people_reach_it() -> None:
    server = Server([app("a", 1)])
    async with server.running() as url, ArgoCD(ArgoCDSettings(url=url, web_url="https://argocd.example.com")) as argocd:
        (found,) = await argocd.list("production")
    assert found.url == "https://argocd.example.com/applications/argocd/a"


async def test_an_event_that_is_old_news_is_not_told() -> None:
    server = Server([app("a", 5)])
    async with following(server) as changes:
        await anext(changes)
        server.send("MODIFIED", app("a", 4, "Degraded"))
        server.send("ADDED", app("a", 5))
        server.send("MODIFIED", app("a", 6, "Progressing"))
        assert (await anext(changes)).health is HealthStatus.PROGRESSING


BROKEN = {
    "the end": None,
    "an error line": b'{"error":{"grpc_code":14,"http_code":503,"message":"unavailable","http_status":"x"}}\n',
    "no JSON": b"<html>\n",
    "wrong types": b'{"result":{"type":1}}\n',
    "a line without end": b"x" * 20_000,
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_stream_that_breaks_is_opened_again_and_nothing_is_missed(fault: str) -> None:
    """A9, A10."""
    server = Server([app("a", 1)])
    async with following(server) as changes:
        await anext(changes)
        server.apps = [app("a", 9, "Degraded")]
        server.lines.put_nowait(BROKEN[fault])
        assert (await anext(changes)).health is HealthStatus.DEGRADED
        assert server.lists == 2


@pytest.mark.parametrize("status", [b"401 Unauthorized", b"403 Forbidden"])
async def test_a_token_that_is_refused_at_first_is_told(status: bytes) -> None:
    async with following(Server(status=status)) as changes:
        with pytest.raises(Refused):
            await anext(changes)


async def test_an_argo_cd_that_is_away_at_first_is_waited_for() -> None:
    server = Server([app("a", 1)], status=b"503 Service Unavailable")
    async with following(server, relist=0.1) as changes:
        waiting = asyncio.ensure_future(anext(changes))
        await server.was_asked.wait()
        server.status = b"200 OK"
        assert (await waiting).ref.name == "a"


async def test_no_task_is_left_behind() -> None:
    before = asyncio.all_tasks()
    async with following(Server([app("a", 1)])) as changes:
        await anext(changes)
        assert any(task.get_name() == "argocd application stream" for task in asyncio.all_tasks() - before)
    assert not any(task.get_name() == "argocd application stream" for task in asyncio.all_tasks())


async def test_a_stream_is_current_only_between_its_first_whole_list_and_its_end() -> None:
    """A10: nothing missed is replayed, so what is known is how things are only while a stream stands."""
    server = Server([app("a", 1), app("b", 1)])
    settings = ArgoCDSettings(url="http://127.0.0.1")
    async with asyncio.timeout(30), server.running() as url:
        argocd = ArgoCD(settings.model_copy(update={"url": url}), QUICK, timedelta(seconds=60))
        async with argocd, aclosing(argocd.changes("production")) as changes:  # type: ignore[type-var]
            assert not argocd.current("production")
            await anext(changes)
            assert not argocd.current("production"), "only one of two is known"
            await anext(changes)
            server.send("MODIFIED", app("a", 2, "Degraded"))
            await anext(changes)
            assert argocd.current("production")
            server.apps = [app("a", 3), app("b", 1)]
            server.lines.put_nowait(None)
            assert (await anext(changes)).health is HealthStatus.HEALTHY
            assert not argocd.current("production"), "what the next list says is not all told"


async def test_a_stream_whose_lists_fail_is_not_current() -> None:
    """A10: only a list brings what the stream has lost."""
    server = Server([app("a", 1)])
    async with asyncio.timeout(30), server.running() as url:
        argocd = ArgoCD(ArgoCDSettings(url=url), QUICK, timedelta(seconds=0.1))
        async with argocd, aclosing(argocd.changes("production")) as changes:  # type: ignore[type-var]
            await anext(changes)
            waiting = asyncio.ensure_future(anext(changes))
            await until(lambda: argocd.current("production"))
            server.status = b"503 Service Unavailable"
            await until(lambda: not argocd.current("production"))
            server.status = b"200 OK"
            await until(lambda: argocd.current("production"))
            assert not waiting.done()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)


async def test_an_argo_cd_without_a_stream_is_never_current() -> None:
    server = Server([app("a", 1)], status=b"503 Service Unavailable")
    async with asyncio.timeout(30), server.running() as url:
        argocd = ArgoCD(ArgoCDSettings(url=url), QUICK, timedelta(seconds=60))
        async with argocd, aclosing(argocd.changes("production")) as changes:  # type: ignore[type-var]
            waiting = asyncio.ensure_future(anext(changes))
            await server.was_asked.wait()
            assert not argocd.current("production")
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)


EVENTS_AT_ONCE = 900


class Flooded(Stream):
    """What it has heard is more than anybody has looked at."""

    async def _listen(self, heard: "asyncio.Queue[wire.ArgoWatchEvent | StreamOpened | Refused]") -> None:
        heard.put_nowait(StreamOpened())
        for number in range(EVENTS_AT_ONCE):
            metadata = wire.ArgoMetadata(name=f"app-{number}", resource_version=str(number))
            heard.put_nowait(wire.ArgoWatchEvent("MODIFIED", wire.ArgoApplication(metadata)))
        await asyncio.Event().wait()


async def test_many_events_at_once_leave_others_their_turns() -> None:
    """Nothing in the loop waits while there is something to take."""

    async def none(_: object, _converting: object) -> list[Any]:
        return []

    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with Connection("Argo CD", "http://127.0.0.1", policy=QUICK) as connection:
        stream = Flooded(connection, none, {}, timedelta(seconds=60))
        async with aclosing(stream.applications(lambda one: application(one, "production", ""))) as found:
            await anext(found)
            counting = asyncio.create_task(others())
            for _ in range(EVENTS_AT_ONCE - 1):
                await anext(found)
            counting.cancel()
    assert turns >= EVENTS_AT_ONCE // PAUSE_EVERY - 1


class Relisted(Stream):
    """Lists twice, and ends."""

    opened = 0

    async def _listen(self, heard: "asyncio.Queue[wire.ArgoWatchEvent | StreamOpened | Refused]") -> None:
        await asyncio.Event().wait()

    async def _next(
        self, heard: "asyncio.Queue[wire.ArgoWatchEvent | StreamOpened | Refused]", due: float
    ) -> StreamOpened:
        self.opened += 1
        if self.opened > 2:
            raise Refused("Argo CD", "list", "401")
        return StreamOpened()


async def test_a_long_list_in_which_nothing_is_new_leaves_others_their_turns() -> None:
    argo = [wire.ArgoApplication(wire.ArgoMetadata(name=f"app-{number}")) for number in range(EVENTS_AT_ONCE)]
    seen = [Sighting(one.metadata.name, 1, application(one, "production", "")) for one in argo]
    turns, told, tasks = 0, 0, set[asyncio.Task[None]]()

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def read(_: object, converting: AbstractContextManager[None]) -> list[Any]:
        if told:
            tasks.add(asyncio.create_task(others()))
        with converting:
            return seen

    async with Connection("Argo CD", "http://127.0.0.1", policy=QUICK) as connection:
        stream = Relisted(connection, read, {}, timedelta(seconds=60))
        with suppress(Refused):
            async for _ in stream.applications(lambda one: application(one, "production", "")):
                told += 1
    for task in tasks:
        task.cancel()
    assert told == EVENTS_AT_ONCE
    assert turns >= EVENTS_AT_ONCE // PAUSE_EVERY - 1


@pytest.mark.parametrize("error", [Refused("Argo CD", "list", "401"), Unavailable("Argo CD", "list", "503")])
async def test_only_a_list_that_came_is_kept_from_the_collector(error: Exception) -> None:
    """A refused token is tried again every few seconds: what is garbage at that moment must not stay for ever."""
    frozen: list[int] = []

    async def read(_: object, converting: AbstractContextManager[None]) -> list[Any]:
        frozen.append(gc.get_freeze_count())
        with converting:
            if len(frozen) == 1:
                raise error
            return [[] for _ in range(10_000)]

    async with Connection("Argo CD", "http://127.0.0.1", policy=QUICK) as connection:
        stream = Flooded(connection, read, {}, timedelta(seconds=60))
        see: Any = None
        with suppress(Refused):
            assert (await stream._list(see))[0] is None
        for _ in range(2):
            assert (await stream._list(see))[0]
        last = gc.get_freeze_count()
    assert gc.isenabled()
    assert frozen[1] <= frozen[0], "nothing came"
    assert frozen[2] > frozen[1], "what the first list holds lives on"
    assert last <= frozen[2], "what a later one holds is dropped"


async def test_garbage_is_looked_for_while_argo_cd_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list may take forty seconds to come. Nothing is made meanwhile that lives on."""
    collecting: dict[str, bool] = {}
    as_asked = Connection.request

    async def slowly(self: Connection, operation: str, *rest: Any, **more: Any) -> Answer:
        collecting[operation] = gc.isenabled()
        return await as_asked(self, operation, *rest, **more)

    def converted(self: ArgoCD, one: wire.ArgoApplication, environment: str) -> Application:
        collecting["convert"] = gc.isenabled()
        return application(one, environment, "")

    monkeypatch.setattr(Connection, "request", slowly)
    monkeypatch.setattr(ArgoCD, "_application", converted)
    server = Server([app("a", 1)])
    async with asyncio.timeout(30), server.running() as url:
        argocd = ArgoCD(ArgoCDSettings(url=url), QUICK, timedelta(seconds=60))
        async with argocd, aclosing(argocd.changes("production")) as changes:  # type: ignore[type-var]
            await anext(changes)
    assert collecting["list applications"]
    assert not collecting["convert"]
    assert gc.isenabled()
