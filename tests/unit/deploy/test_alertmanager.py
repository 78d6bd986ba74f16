"""A real Alertmanager, with the configuration of deploy/, delivers an alert to the bot's address with its token."""

import asyncio
import base64
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.sandbox.ports import free_port
from integrations.sandbox.serving import serve
from tests.unit.deploy.manifests import DEPLOY, find

CONFIGURATION = DEPLOY / "platform/monitoring/alertmanager.yaml"
TOKEN = "the token from Vault"


@pytest.fixture
def alertmanager() -> str:
    found = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    return found or pytest.skip("Alertmanager is not installed: apt-get install prometheus-alertmanager")


class Receiver:
    """Stands where the bot is, and keeps what it is sent."""

    def __init__(self) -> None:
        self.posts: asyncio.Queue[tuple[str, str, dict[str, Any]]] = asyncio.Queue()
        self.app = Starlette(routes=[Route("/{path:path}", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        await self.posts.put((request.url.path, request.headers.get("Authorization", ""), await request.json()))
        return Response(status_code=200)


def configuration(receiver: str, directory: Path, token: str = TOKEN) -> Path:
    """The shipped file with the bot's host, the token's path and the waiting times of this test."""
    document = yaml.safe_load(CONFIGURATION.read_text())
    (hook,) = next(r for r in document["receivers"] if r["name"] == "pilothouse")["webhook_configs"]
    shipped = httpx.URL(hook["url"])
    hook["url"] = str(httpx.URL(receiver).copy_with(path=shipped.path))
    credentials = directory / "token"
    credentials.write_text(token)
    hook["http_config"]["authorization"]["credentials_file"] = str(credentials)
    for route in document["route"]["routes"]:
        route.update(group_wait="10ms", group_interval="100ms")
    file = directory / "alertmanager.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


@asynccontextmanager
async def running(binary: str, file: Path) -> AsyncIterator[httpx.AsyncClient]:
    address = f"127.0.0.1:{free_port()}"
    process = await asyncio.create_subprocess_exec(
        binary,
        f"--config.file={file}",
        f"--storage.path={file.parent / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False) as client:
            async with asyncio.timeout(60):
                while not await ready(client):
                    assert process.returncode is None, "Alertmanager ended"
                    await asyncio.sleep(0.05)
            yield client
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/-/ready")).is_success
    except httpx.TransportError:
        return False


def alert(name: str, /, **labels: str) -> dict[str, Any]:
    return {"labels": {"alertname": name, **labels}, "annotations": {"summary": f"{name} happened"}}


async def test_an_alert_reaches_the_bot_with_the_token_and_again_when_resolved(
    alertmanager: str, tmp_path: Path
) -> None:
    receiver = Receiver()
    firing = alert(
        "ArgoCDSyncFailed",
        app="my-app",
        environment="production",
        name="my-app-production",
        part_of="pilothouse-platform",
    )
    async with serve(receiver.app) as url, running(alertmanager, configuration(url, tmp_path)) as client:
        (await client.post("/api/v2/alerts", json=[firing])).raise_for_status()
        path, authorization, body = await asyncio.wait_for(receiver.posts.get(), 60)
        assert path == "/webhooks/alertmanager"
        assert authorization == f"Bearer {TOKEN}"
        assert body["status"] == "firing"
        assert body["commonLabels"]["app"] == "my-app"
        assert body["groupKey"]

        (await client.post("/api/v2/alerts", json=[{**firing, "endsAt": "2020-01-01T00:00:00Z"}])).raise_for_status()
        _, _, resolved = await asyncio.wait_for(receiver.posts.get(), 60)
        assert resolved["status"] == "resolved"
        # What lets the bot edit the message that it has already posted.
        assert resolved["groupKey"] == body["groupKey"]


async def test_alerts_of_others_are_not_sent_and_two_apps_are_one_message(alertmanager: str, tmp_path: Path) -> None:
    receiver = Receiver()
    async with serve(receiver.app) as url, running(alertmanager, configuration(url, tmp_path)) as client:
        alerts = [
            alert("NodeFull", node="a"),
            alert("ArgoCDSyncFailed", app="my-app", environment="staging", part_of="pilothouse-platform"),
            alert("ArgoCDSyncFailed", app="ledger", environment="staging", part_of="pilothouse-platform"),
        ]
        (await client.post("/api/v2/alerts", json=alerts)).raise_for_status()
        _, _, body = await asyncio.wait_for(receiver.posts.get(), 60)
        assert sorted(one["labels"]["app"] for one in body["alerts"]) == ["ledger", "my-app"]
        await asyncio.sleep(0.3)
        assert receiver.posts.empty()


def test_the_operator_is_given_this_very_file() -> None:
    secret = find("platform/monitoring", "Secret", "alertmanager-platform")
    assert base64.b64decode(secret["data"]["alertmanager.yaml"]).decode() == CONFIGURATION.read_text()


def test_no_token_is_written_down() -> None:
    text = CONFIGURATION.read_text()
    assert "credentials_file: /etc/alertmanager/secrets/pilothouse-alertmanager/token" in text
    assert "credentials:" not in text
