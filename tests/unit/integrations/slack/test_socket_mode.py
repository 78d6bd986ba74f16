"""Our connection to Slack (S21, S23)."""

import asyncio

import pytest
from aiohttp import web

from bot.domain.errors import Refused
from integrations.sandbox.serving import serve
from integrations.sandbox.slack.server import APP_TOKEN, SlackServer
from integrations.slack import SlackApi, SocketMode
from integrations.slack.socket_mode import address
from tests.waiting import until


async def test_a_rotated_app_level_token_is_used_at_the_next_connection(workspace: SlackServer) -> None:
    """Slack renews connections every few hours (S23), and the old token may be revoked by then."""
    asked: list[str] = []

    def token() -> str:
        asked.append("at connect")
        return APP_TOKEN

    async with serve(workspace.app) as url:
        workspace.public_url = url
        api = SlackApi(token, f"{url}/api/")
        client = SocketMode(api, ping_seconds=0.2)
        try:
            await client.connect()
            await until(lambda: workspace.connections == 1)
            before, first = len(asked), client.current_session
            await workspace.refresh_connections()
            await until(lambda: client.current_session is not first and workspace.connections == 1)
            assert len(asked) > before
        finally:
            await client.close()
            await api.aclose()


async def test_a_token_that_becomes_good_needs_no_restart(workspace: SlackServer) -> None:
    given = ["xapp-revoked"]
    async with serve(workspace.app) as url:
        workspace.public_url = url
        api = SlackApi(lambda: given[0], f"{url}/api/")
        with pytest.raises(Refused):
            await address(api)
        client = SocketMode(api, ping_seconds=0.1)
        connecting = asyncio.create_task(client.connect())
        try:
            await asyncio.sleep(0.05)
            assert not connecting.done()
            given[0] = APP_TOKEN
            await connecting
            await until(lambda: workspace.connections == 1)
        finally:
            await client.close()
            await api.aclose()


async def test_the_proxy_is_the_sessions_own(workspace: SlackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """slack_sdk's own reading of the environment ignores NO_PROXY."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with serve(workspace.app) as url:
        workspace.public_url = url
        api = SlackApi(lambda: APP_TOKEN, f"{url}/api/")
        client = SocketMode(api, ping_seconds=0.1)
        try:
            async with asyncio.timeout(30):
                await client.connect()
        finally:
            await client.close()
            await api.aclose()


async def test_an_address_that_did_not_work_is_not_tried_again(workspace: SlackServer) -> None:
    """S21: it is for one use, and not for long."""
    addresses = ["ws://127.0.0.1:1/link"]

    class Unlucky(SocketMode):
        async def issue_new_wss_url(self) -> str:
            return addresses.pop() if addresses else await super().issue_new_wss_url()

    async with serve(workspace.app) as url:
        workspace.public_url = url
        api = SlackApi(lambda: APP_TOKEN, f"{url}/api/")
        client = Unlucky(api, ping_seconds=0.1)
        try:
            async with asyncio.timeout(30):
                await client.connect()
            await until(lambda: workspace.connections == 1)
        finally:
            await client.close()
            await api.aclose()


async def test_a_socket_that_is_silent_is_left_for_a_new_one() -> None:
    """A connection that died without a word: pings that nobody answers are its limit of silence."""
    opened: list[web.WebSocketResponse] = []

    async def open_connection(request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "url": f"ws://{request.host}/socket"})

    async def mute(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        opened.append(socket)
        async for _ in socket:
            pass
        return socket

    app = web.Application()
    app.add_routes([web.post("/api/apps.connections.open", open_connection), web.get("/socket", mute)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    api = SlackApi(lambda: APP_TOKEN, f"http://{host}:{port}/api/")
    client = SocketMode(api, ping_seconds=0.2)
    try:
        await client.connect()
        assert await client.is_connected()
        await until(lambda: len(opened) > 1, seconds=20)
    finally:
        await client.close()
        await api.aclose()
        await runner.cleanup()
