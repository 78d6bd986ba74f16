"""HTTP mode with bolt's own request verification in front (S10-S13)."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from integrations.sandbox.serving import serve
from integrations.sandbox.slack.http_mode import RequestUrls, signature
from integrations.sandbox.slack.server import SIGNING_SECRET
from tests.unit.integrations.sandbox.slack.conftest import Workspace
from tests.waiting import until


@contextlib.asynccontextmanager
async def app_at(workspace: Workspace, endpoint: Any) -> AsyncIterator[None]:
    """Serves the app's one request URL and points Slack at it."""
    async with serve(Starlette(routes=[Route("/slack", endpoint, methods=["POST"])])) as url:
        await workspace.slack.use_http(RequestUrls.single(f"{url}/slack"))
        yield


def test_signature_is_what_the_sdk_verifies() -> None:
    """S12."""
    verifier = SignatureVerifier(SIGNING_SECRET)
    body = "payload=%7B%7D&text=ü"
    made = signature(SIGNING_SECRET, "1700000000", body.encode())
    assert verifier.generate_signature(timestamp="1700000000", body=body) == made


async def test_bolt_takes_commands_actions_views_options_and_events(workspace: Workspace) -> None:
    """S12, S13: bolt answers 401 to what is not signed."""
    app, mentions = workspace.bolt(), []
    block = {
        "type": "actions",
        "elements": [{"type": "external_select", "action_id": "tag", "min_query_length": 0}],
    }

    @app.command("/deploy")
    async def deploy(ack: Any) -> None:
        await ack(text="choose", blocks=[block])

    @app.options("tag")
    async def tags(ack: Any, payload: dict[str, Any]) -> None:
        names = [name for name in ("v1.4.1", "v1.4.2") if payload["value"] in name]
        await ack(options=[{"text": {"type": "plain_text", "text": name}, "value": name} for name in names])

    @app.action("tag")
    async def chosen(ack: Any, action: dict[str, Any], respond: Any) -> None:
        await ack()
        await respond(text=f"{action['selected_option']['value']} it is", replace_original=True)

    @app.event("app_mention")
    async def mention(event: dict[str, Any]) -> None:
        mentions.append(event["text"])

    handler = AsyncSlackRequestHandler(app)
    slack = workspace.slack
    async with app_at(workspace, handler.handle):
        shown = await slack.command("ana", "deployments", "/deploy")
        offered = await slack.options("ana", "tag", "v1", channel="deployments", ts=shown["ts"])
        assert [option["value"] for option in offered["options"]] == ["v1.4.1", "v1.4.2"]
        assert (await slack.act("ana", "deployments", shown["ts"], "tag", value="v1.4.2"))["acked"]
        await until(lambda: slack.messages("deployments", "ana")[0]["text"] == "v1.4.2 it is")
        slack.mention("ana", "deployments", "hello")
        await until(lambda: mentions)
        assert await slack.verify_events_url()
    assert slack.complaints == []


async def test_wrong_secret_is_refused_by_bolt(workspace: Workspace) -> None:
    """S12."""
    app = workspace.bolt()
    workspace.slack.config.signing_secret = "another secret"
    async with app_at(workspace, AsyncSlackRequestHandler(app).handle):
        result = await workspace.slack.command("ana", "deployments", "/deploy")
    assert (result["acked"], result["error"]) == (False, "dispatch_failed")


async def test_failed_events_are_retried_with_headers_until_told_not_to(workspace: Workspace) -> None:
    """S11, S13: url_verification comes first."""
    seen: list[tuple[str, str, str]] = []

    async def endpoint(request: Request) -> Response:
        body = await request.json()
        if body["type"] == "url_verification":
            seen.append(("url_verification", "", ""))
            return PlainTextResponse(body["challenge"])
        headers = request.headers
        seen.append((body["type"], headers.get("x-slack-retry-num", ""), headers.get("x-slack-retry-reason", "")))
        return PlainTextResponse("no", 500, {"X-Slack-No-Retry": "1"} if len(seen) == 3 else {})

    async with app_at(workspace, endpoint):
        workspace.slack.mention("ana", "deployments", "hello")
        await until(lambda: len(seen) == 3)
    assert seen == [
        ("url_verification", "", ""),
        ("event_callback", "", ""),
        ("event_callback", "1", "http_error"),
    ]


async def test_no_events_to_a_url_that_is_not_verified(workspace: Workspace) -> None:
    """S13."""
    kinds: list[str] = []

    async def endpoint(request: Request) -> Response:
        kinds.append((await request.json())["type"])
        return PlainTextResponse("hello")

    async with app_at(workspace, endpoint):
        workspace.slack.mention("ana", "deployments", "hello")
        await until(lambda: workspace.slack.complaints)
    assert kinds == ["url_verification"]


@pytest.mark.parametrize(("status", "body", "text"), [(200, "plain words", "plain words"), (200, "", None)])
async def test_body_of_the_acknowledgement_is_the_answer(
    workspace: Workspace, status: int, body: str, text: str | None
) -> None:
    """S13: an empty body only acknowledges."""

    async def endpoint(request: Request) -> Response:
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        return PlainTextResponse(body, status)

    async with app_at(workspace, endpoint):
        result = await workspace.slack.command("ana", "deployments", "/deploy")
    assert result["acked"]
    assert result.get("response") == ({"text": text} if text else None)


async def test_nobody_at_the_url(workspace: Workspace) -> None:
    await workspace.slack.use_http(RequestUrls.single("http://127.0.0.1:1/slack"))
    assert (await workspace.slack.command("ana", "deployments", "/deploy"))["error"] == "dispatch_failed"
