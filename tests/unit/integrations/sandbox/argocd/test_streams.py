"""The event streams and their traps."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox.argocd import ArgoServerSettings
from tests.unit.integrations.sandbox.argocd.world import World, application, project, running, settled

STREAM = "/api/v1/stream/applications"


@asynccontextmanager
async def stream(world: World, url: str = STREAM, **params: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    async with asyncio.timeout(30), world.http.stream("GET", url, params=params) as response:
        assert response.status_code == 200

        async def frames() -> AsyncIterator[dict[str, Any]]:
            async for line in response.aiter_lines():
                yield json.loads(line)

        yield frames()


async def take(frames: AsyncIterator[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    return [await anext(frames) for _ in range(count)]


async def test_the_present_state_comes_as_added_and_then_what_changes(world: World) -> None:
    """A9, A10."""
    async with stream(world) as frames:
        first = await take(frames, 3)
        assert {one["result"]["type"] for one in first} == {"ADDED"}
        await asyncio.sleep(0.1)
        sha = await world.promote("v1.4.2")
        while True:
            result = (await anext(frames))["result"]
            assert result["type"] == "MODIFIED"
            if result["application"]["metadata"]["name"] == "my-app-production" and settled(
                result["application"], sha, "Healthy"
            ):
                break


async def test_what_changes_between_snapshot_and_subscription_is_lost(tmp_path: Path) -> None:
    """A10."""
    manifests = [project(), application("production")]
    async with running(tmp_path, manifests, ArgoServerSettings(stream_gap=1.5)) as world, stream(world) as frames:
        await take(frames, 1)
        with world.argo.store.edit("my-app-production") as app:
            app["metadata"]["labels"]["lost"] = "yes"
        await asyncio.sleep(1.6)
        with world.argo.store.edit("my-app-production") as app:
            app["metadata"]["labels"]["seen"] = "yes"
        [event] = await take(frames, 1)
        assert event["result"]["application"]["metadata"]["labels"]["seen"] == "yes"


async def test_a_resource_version_brings_no_snapshot_and_no_replay(world: World) -> None:
    """A10."""
    version = (await world.http.get("/api/v1/applications")).json()["metadata"]["resourceVersion"]
    with world.argo.store.edit("my-app-production") as app:
        app["metadata"]["labels"]["missed"] = "yes"
    async with stream(world, resourceVersion=version) as frames:
        await asyncio.sleep(0.1)
        with world.argo.store.edit("my-app-staging") as app:
            app["metadata"]["labels"]["seen"] = "yes"
        [event] = await take(frames, 1)
        assert event["result"]["application"]["metadata"]["name"] == "my-app-staging"


async def test_equal_consecutive_events_of_one_name_are_sent_once(world: World) -> None:
    """A11: with `fields=` whole transitions vanish."""
    fields = "result.type,result.application.metadata.name,result.application.spec.project"
    async with stream(world, fields=fields) as frames:
        await take(frames, 3)
        await asyncio.sleep(0.1)
        for name, count in (("my-app-production", 3), ("my-app-staging", 1)):
            for number in range(count):
                with world.argo.store.edit(name) as app:
                    app["metadata"]["labels"]["n"] = str(number)
        events = await take(frames, 2)
    names = [one["result"]["application"]["metadata"]["name"] for one in events]
    assert names == ["my-app-production", "my-app-staging"]


async def test_a_slow_reader_loses_events_silently(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A10: the buffer is bounded, and nothing says so."""
    monkeypatch.setattr("integrations.sandbox.argocd.store.SUBSCRIBER_BUFFER", 2)
    with world.argo.store.subscribed() as changes:
        for number in range(5):
            with world.argo.store.edit("my-app-staging") as app:
                app["metadata"]["labels"]["n"] = str(number)
        got = [changes.get_nowait()[1]["metadata"]["labels"]["n"] for _ in range(changes.qsize())]
    assert got == ["0", "1"]


async def test_an_error_in_mid_stream_is_a_last_line(world: World) -> None:
    """A9."""
    async with stream(world) as frames:
        await take(frames, 3)
        await asyncio.sleep(0.1)
        world.argo.break_streams("too old")
        [error] = [one async for one in frames]
    assert error == {
        "error": {"grpc_code": 13, "http_code": 500, "message": "too old", "http_status": "Internal Server Error"}
    }


async def test_server_sent_events_with_keepalive(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A9."""
    monkeypatch.setattr("integrations.sandbox.argocd.routes.streams.KEEPALIVE_SECONDS", 0.05)
    lines: list[str] = []
    headers = {"Accept": "text/event-stream"}
    async with asyncio.timeout(30), world.http.stream("GET", STREAM, headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        async for line in response.aiter_lines():
            lines.append(line)
            if line == ":":
                break
    data = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert [one["result"]["type"] for one in data] == ["ADDED"] * 3


async def test_one_application_by_name(world: World) -> None:
    async with stream(world, name="my-app-staging") as frames:
        [only] = await take(frames, 1)
        assert only["result"]["application"]["metadata"]["name"] == "my-app-staging"
        await asyncio.sleep(0.1)
        world.argo.controller.delete("my-app-staging")
        [gone] = await take(frames, 1)
        assert gone["result"]["type"] == "DELETED"


async def test_the_tree_is_sent_at_each_change(world: World) -> None:
    """A12."""
    async with stream(world, f"{STREAM}/my-app-production/resource-tree") as frames:
        await take(frames, 1)
        await world.promote("v1.4.2")
        while True:
            [frame] = await take(frames, 1)
            images = {image for node in frame["result"]["nodes"] for image in node.get("images", [])}
            if images == {"harbor.example.com/apps/my-app:v1.4.2"}:
                break
