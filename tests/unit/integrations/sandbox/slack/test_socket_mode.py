"""Socket Mode on the wire, and with the SDK's own client (S21-S25)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from integrations.sandbox.slack.server import APP_TOKEN
from tests.unit.integrations.sandbox.slack.conftest import Connect, Workspace
from tests.waiting import until

Socket = aiohttp.ClientWebSocketResponse


async def new_url(workspace: Workspace) -> str:
    client = AsyncWebClient(base_url=workspace.client.base_url)
    return str((await client.apps_connections_open(app_token=APP_TOKEN))["url"])


@asynccontextmanager
async def raw(workspace: Workspace) -> AsyncIterator[Socket]:
    """A connection without the SDK, past its hello."""
    url = await new_url(workspace)
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        yield socket


async def test_url_is_for_one_use(workspace: Workspace) -> None:
    """S21."""
    url = await new_url(workspace)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            hello = await socket.receive_json()
            assert (hello["type"], hello["num_connections"]) == ("hello", 1)
            assert hello["debug_info"]["approximate_connection_time"] > 0
            assert hello["connection_info"] == {"app_id": "A0PILOT"}
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_acknowledgement_counts_only_on_the_connection_of_its_envelope(workspace: Workspace) -> None:
    """S22."""
    async with raw(workspace) as first, raw(workspace) as second:
        typing = asyncio.create_task(workspace.slack.command("ana", "deployments", "/deploy"))
        here, there = await _whichever_receives(first, second)
        envelope = json.loads(here[1])
        assert envelope["type"] == "slash_commands"
        assert envelope["accepts_response_payload"] is True
        await there.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "wrong line"}})
        await until(lambda: workspace.slack.complaints)
        assert not typing.done()
        await here[0].send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "right line"}})
        assert (await typing)["response"] == {"text": "right line"}


async def _whichever_receives(first: Socket, second: Socket) -> tuple[tuple[Socket, str], Socket]:
    tasks = {asyncio.create_task(socket.receive_str()): socket for socket in (first, second)}
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=60)
    for task in waiting:
        task.cancel()
    (received,) = done
    other = next(socket for socket in (first, second) if socket is not tasks[received])
    return (tasks[received], received.result()), other


async def test_envelopes_go_to_any_one_connection(workspace: Workspace) -> None:
    """S24: two connections share the traffic, nothing comes twice."""
    received: list[str] = []

    async def acknowledge(name: str, socket: Socket) -> None:
        async for frame in socket:
            received.append(name)
            await socket.send_json({"envelope_id": json.loads(frame.data)["envelope_id"]})

    async with raw(workspace) as first, raw(workspace) as second:
        tasks = [asyncio.create_task(acknowledge(*pair)) for pair in (("first", first), ("second", second))]
        for _ in range(4):
            assert (await workspace.slack.command("ana", "deployments", "/deploy"))["acked"]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(received) == ["first", "first", "second", "second"]


async def test_payload_where_none_is_accepted_is_dropped(workspace: Workspace) -> None:
    """S22: events and block_actions take no payload."""
    async with raw(workspace) as socket:
        sending = asyncio.create_task(workspace.slack.deliver("block_actions", {"actions": []}))
        envelope = await socket.receive_json()
        assert envelope["accepts_response_payload"] is False
        await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "x"}})
        assert await sending == {"ok": True, "acked": True}
    assert "does not accept" in workspace.slack.complaints[0]


async def test_eleventh_connection_is_told_too_many_websockets(workspace: Workspace) -> None:
    """S24, S23."""
    async with aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(await new_url(workspace)) for _ in range(10)]
        assert workspace.slack.connections == 10
        extra = await session.ws_connect(await new_url(workspace))
        frame = await extra.receive_json()
        assert (frame["type"], frame["reason"]) == ("disconnect", "too_many_websockets")
        assert (await extra.receive()).type is aiohttp.WSMsgType.CLOSE
        assert workspace.slack.connections == 10
        for socket in [*sockets, extra]:
            await socket.close()
    await until(lambda: workspace.slack.connections == 0)


async def test_the_sdk_renews_its_connection_when_asked(workspace: Workspace, connect: Connect) -> None:
    """S23."""
    app = workspace.bolt()

    @app.command("/deploy")
    async def deploy(ack: Any) -> None:
        await ack("still here")

    handler = await connect(app)
    before = handler.client.current_session
    await workspace.slack.refresh_connections()
    # The address is new before the connection is: until then the one that is counted is the old one.
    await until(lambda: handler.client.current_session is not before and workspace.slack.connections == 1)
    result = await workspace.slack.command("ana", "deployments", "/deploy")
    assert result["response"] == {"text": "still here"}


async def test_command_without_a_connection_fails_visibly(workspace: Workspace) -> None:
    result = await workspace.slack.command("ana", "deployments", "/deploy")
    assert result["error"] == "dispatch_failed"
    (shown,) = workspace.slack.messages("deployments", "ana")
    assert shown["text"] == '/deploy failed with the error "dispatch_failed"'
    assert shown["ephemeral"]


async def test_an_app_that_is_killed_leaves_no_connection(workspace: Workspace) -> None:
    async with raw(workspace) as socket:
        assert workspace.slack.workspace()["bot"]["connections"] == 1
        assert socket._response.connection is not None
        transport = socket._response.connection.transport
        assert transport is not None
        transport.abort()
        await until(lambda: workspace.slack.connections == 0)
