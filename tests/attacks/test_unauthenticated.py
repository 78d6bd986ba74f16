"""Whoever reaches the HTTP port without a secret: nothing that they send is parsed, and they keep nobody else out.

On real sockets, with the server as the bot opens it. What is signed and is not of the sender's shape is a 400.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp
from starlette.requests import Request
from starlette.types import ASGIApp

from bot.app.connections import BoundedProtocol
from bot.app.serving import port_open
from bot.app.web import web
from bot.notify import Bulletins
from bot.ports import Messenger, Modals
from bot.router import bolt_app, open_router
from bot.router import http as slack_http
from bot.router.http import SlackRequests
from bot.router.signature import SlackSignature
from bot.runtime import request_body
from bot.runtime.request_body import BODY_LIMIT, LARGE, BodySlots, NotTaken, read
from bot.settings import Settings, WebhookSettings
from bot.store.database import Database
from bot.store.messages import Messages
from bot.store.webhooks import WebhookStore
from bot.webhooks import Needs, open_webhooks, receiver
from tests.fakes.command_harness import CommandHarness
from tests.fakes.databases import create_tables
from tests.fakes.messenger import FakeMessenger

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
HOOKS = {"github": "github-secret", "harbor": "harbor-token", "alertmanager": "am-token", "tekton": "tekton-token"}
ROUTES = ("/slack/events", *(f"/webhooks/{name}" for name in HOOKS))
COMMAND = {"command": "/deploy", "text": "my-app prod", "user_id": "U0ANA", "team_id": "T0PILOT",
           "channel_id": "C0DEPLOY", "trigger_id": "1.2.3", "response_url": ""}  # fmt: skip
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@dataclass
class Port:
    """The bot's HTTP port. `parsed` is what got past authentication."""

    app: ASGIApp
    harness: CommandHarness
    messenger: FakeMessenger
    parsed: list[str] = field(default_factory=list)
    number: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.number}"

    async def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, verify=False, timeout=30) as http:
            return await http.post(path, content=body, headers=dict(headers or {}))

    async def livez(self) -> int:
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, verify=False, timeout=10) as http:
            return (await http.get("/livez")).status_code


def alive() -> Mapping[str, bool]:
    return {"messages": True}


async def ready() -> Mapping[str, bool]:
    return {"slack": True}


async def nothing() -> None:
    return None


@pytest.fixture
async def port(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Port]:
    harness, messenger = CommandHarness(), FakeMessenger()
    router = open_router(harness.registry, {**harness.services, Messenger: messenger, Modals: None})
    bolt = bolt_app(router, None, lambda: "xoxb-test", lambda: SECRET)
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('port')}/pilothouse.db")
    await create_tables(database)
    store = WebhookStore(database)
    bulletins = Bulletins(Messages(database), messenger)
    needs = Needs(
        harness.policy, harness.catalog, harness.pipelines, bulletins, store, harness.directory, harness.holds()
    )
    tokens = {name: SecretStr(HOOKS[name.partition("_")[0]]) for name in (
        "github_secret", "harbor_token", "alertmanager_token", "tekton_token")}  # fmt: skip
    tokens["pipeline_token"] = SecretStr("pipeline-token")
    hooks = open_webhooks(Settings(webhooks=WebhookSettings(**tokens)), needs)
    slack = SlackRequests(bolt, SlackSignature(lambda: SECRET)).answer
    app = web(alive, ready, CollectorRegistry(), nothing, slack, hooks.routes)
    found = Port(app, harness, messenger)
    watch(found, monkeypatch)
    async with port_open(app, "127.0.0.1", 0) as server:
        found.number = server.servers[0].sockets[0].getsockname()[1]
        yield found
        await router.drain(2)
    await database.close()


def watch(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes whatever is parsed, by whichever parser."""
    parse_slack, read_hook = slack_http._parse, receiver.Receiver._read

    def slack(request: Request, body: bytes) -> Any:
        port.parsed.append("slack")
        return parse_slack(request, body)

    async def hook(self: Any, headers: Mapping[str, str], body: bytes) -> Any:
        port.parsed.append("webhook")
        return await read_hook(self, headers, body)

    monkeypatch.setattr(slack_http, "_parse", slack)
    monkeypatch.setattr(receiver.Receiver, "_read", hook)


@contextmanager
def no_traceback(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.WARNING):
        yield
    assert not [record for record in caplog.records if record.exc_info], caplog.text


def slack_headers(body: bytes, *, at: str = "", secret: str = SECRET, kind: str = FORM) -> dict[str, str]:
    """S12."""
    at = at or str(int(time.time()))
    mac = hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Signature": f"v0={mac}", "X-Slack-Request-Timestamp": at, "Content-Type": kind}


def hook_headers(path: str, body: bytes) -> dict[str, str]:
    name = path.rpartition("/")[2]
    match name:
        case "github":
            mac = hmac.new(HOOKS[name].encode(), body, hashlib.sha256).hexdigest()
            return {"X-Hub-Signature-256": f"sha256={mac}", "X-GitHub-Event": "push", "X-GitHub-Delivery": mac}
        case "harbor":
            return {"Authorization": HOOKS[name]}
        case "alertmanager":
            return {"Authorization": f"Bearer {HOOKS[name]}"}
    shown = base64.b64encode(f"tekton:{HOOKS[name]}".encode()).decode()
    return {"Authorization": f"Basic {shown}", "Ce-Type": "dev.tekton.event.pipelinerun.failed.v1", "Ce-Id": "e"}


def good(path: str, body: bytes) -> dict[str, str]:
    return slack_headers(body, kind=JSON) if path == "/slack/events" else hook_headers(path, body)


JUNK = {
    "a bracket": b"[", "null": b"null", "not JSON": b"{not json", "not UTF-8": b"\xff", "a list": b"[]",
    "payload null": b"payload=null", "payload list": b"payload=[1]", "payload cut": b"payload=%7B",
    "payload twice": b"payload={}&payload=null", "a number": b"1e999", "a string": b'"x"', "nothing": b"",
    "many digits": b"9" * 5000, "deep": b"[" * 100_000, "deep objects": b'{"a":' * 50_000, "NUL": b"\x00" * 64,
    "half a surrogate": b'"\\ud800"', "a BOM": b"\xef\xbb\xbf{}", "UTF-16": "{}".encode("utf-16"),
    "multipart": b"--x\r\nContent-Disposition: form-data; name=payload\r\n\r\nnull\r\n--x--",
    "a command": urlencode(COMMAND).encode(), "ssl_check": b"ssl_check=1&token=x",
    "challenge": b'{"type": "url_verification", "challenge": "c"}', "many fields": b"a&" * 20_000,
}  # fmt: skip


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("kind", [FORM, JSON, "multipart/form-data; boundary=x", "text/plain; charset=utf-16"])
async def test_a_stranger_sends_junk_and_nothing_of_it_is_parsed(
    port: Port, path: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with no_traceback(caplog):
        for name, body in JUNK.items():
            assert (await port.post(path, body, {"Content-Type": kind})).status_code == 401, name
    assert not port.parsed
    assert not port.harness.promotions.asked


@pytest.mark.parametrize(
    "shown", ["", "Bearer", "Bearer tekton-token", "Basic cGlwZWxpbmU6eA==", "pipeline-token", "Bearer x"]
)
async def test_a_stranger_is_not_told_what_is_held(port: Port, shown: str) -> None:
    """Who holds an app, and why, is the workspace's business."""
    async with httpx.AsyncClient(base_url=port.url, trust_env=False, verify=False) as http:
        for question in ("", "?app=my-app&environment=development", "?app=%00" + "x" * 5000):
            answer = await http.get(f"/pipeline/hold{question}", headers={"Authorization": shown})
            assert answer.status_code == 401
            assert "free" not in answer.text


def forged(body: bytes) -> dict[str, dict[str, str]]:
    """Who tries what, with a body that would be good."""
    now, right = str(int(time.time())), slack_headers(body)
    mac = right["X-Slack-Signature"]
    return {
        "no headers": {},
        "no signature": {"X-Slack-Request-Timestamp": now},
        "no timestamp": {"X-Slack-Signature": mac},
        "another secret": slack_headers(body, secret="x" * 32),
        "no secret": slack_headers(body, secret=""),
        "old": slack_headers(body, at=str(int(time.time()) - 301)),
        "of tomorrow": slack_headers(body, at=str(int(time.time()) + 86_400)),
        "309 digits": slack_headers(body, at="1" * 309),
        "5000 digits": slack_headers(body, at="1" * 5000),
        "negative": slack_headers(body, at=f"-{now}"),
        "a fraction": slack_headers(body, at=f"{now}.0"),
        "an exponent": slack_headers(body, at="1e10"),
        "not a number": slack_headers(body, at="nan"),
        "underscores": slack_headers(body, at=f"{now[:3]}_{now[3:]}"),
        "a plus": slack_headers(body, at=f"+{now}"),
        "another version": {**right, "X-Slack-Signature": mac.replace("v0=", "v1=")},
        "without version": {**right, "X-Slack-Signature": mac.removeprefix("v0=")},
        "upper case": {**right, "X-Slack-Signature": mac.upper()},
        "cut short": {**right, "X-Slack-Signature": mac[:-1]},
        "one digit off": {**right, "X-Slack-Signature": mac[:-1] + ("0" if mac[-1] != "0" else "1")},
        "longer": {**right, "X-Slack-Signature": mac + "0"},
        "another moment": {**right, "X-Slack-Request-Timestamp": str(int(now) - 1)},
    }


@pytest.mark.parametrize("attempt", sorted(forged(b"")))
async def test_a_forged_signature_of_slack(port: Port, attempt: str, caplog: pytest.LogCaptureFixture) -> None:
    body = urlencode(COMMAND).encode()
    with no_traceback(caplog):
        assert (await port.post("/slack/events", body, forged(body)[attempt])).status_code == 401
    assert not port.parsed


@pytest.mark.parametrize(
    "body", [urlencode({**COMMAND, "text": "x"}).encode(), urlencode(COMMAND).encode() + b"&", b""], ids=str
)
async def test_another_body_under_a_signature_of_slack(port: Port, body: bytes) -> None:
    right = slack_headers(urlencode(COMMAND).encode())
    assert (await port.post("/slack/events", body, right)).status_code == 401
    assert not port.parsed


async def test_a_signature_outside_ascii(port: Port) -> None:
    now = str(int(time.time()))
    for shown in (b"v0=\xe9" + b"0" * 63, b"v0=" + b"\xb2" * 64):
        head = b"POST /slack/events HTTP/1.1\r\nHost: x\r\nX-Slack-Signature: " + shown
        head += f"\r\nX-Slack-Request-Timestamp: {now}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
        assert (await raw(port, head)).startswith(b"HTTP/1.1 401")
    assert not port.parsed


@pytest.mark.parametrize("path", ROUTES)
async def test_what_is_signed_and_malformed_is_a_400_without_a_traceback(
    port: Port, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    bodies_ = {name: body for name, body in JUNK.items() if name not in ("a command", "ssl_check", "challenge")}
    with no_traceback(caplog):
        for name, body in bodies_.items():
            kinds = (FORM, JSON) if path == "/slack/events" else (JSON,)
            for kind in kinds:
                answer = await port.post(path, body, {**good(path, body), "Content-Type": kind})
                harmless = path == "/slack/events" and answer.status_code in (200, 404)  # a form of other fields
                assert answer.status_code == 400 or harmless, (name, kind, answer.text)
    assert not port.harness.promotions.asked


ODD = [
    {"type": "block_actions"},
    {"type": "block_actions", "user": {"id": "U0ANA"}, "actions": []},
    {"type": "block_actions", "user": {"id": 5}, "actions": [{}]},
    {"type": "block_actions", "user": None, "actions": [{"action_id": "a", "action_ts": "1", "type": "button"}]},
    {"type": "block_actions", "user": {"id": "U0ANA"}, "actions": "approve"},
    {"type": "view_submission", "user": {"id": "U0ANA"}},
    {"type": "view_submission", "user": {"id": "U0ANA"}, "view": {"state": {"values": [1]}}},
    {"type": "view_submission", "user": {"id": "U0ANA"}, "view": {"state": {"values": {"a": {"b": 1}}}}},
    {"type": "block_suggestion", "user": "U0ANA"},
    {"type": "event_callback", "event": "app_home_opened"},
    {"type": "event_callback"},
    {"type": ["block_actions"]},
    {"type": {"a": 1}},
    {"type": 5},
    {"team": [1]},
    {"authorizations": [1]},
    {"enterprise": 5},
    {"user": 5, "type": "block_actions"},
]


@pytest.mark.parametrize("payload", ODD, ids=json.dumps)
async def test_a_signed_request_of_an_odd_shape(port: Port, payload: object, caplog: pytest.LogCaptureFixture) -> None:
    body = urlencode({"payload": json.dumps(payload)}).encode()
    with no_traceback(caplog):
        assert (await port.post("/slack/events", body, slack_headers(body))).status_code in (400, 404)


async def test_a_signed_command_is_answered(port: Port) -> None:
    """The others are refused for what they are, not because everything is."""
    body = urlencode(COMMAND).encode()
    assert (await port.post("/slack/events", body, slack_headers(body))).status_code == 200
    assert port.parsed == ["slack"]


# Sizes.


async def raw(port: Port, *pieces: bytes, shut: bool = False) -> bytes:
    """What the server answers to these bytes, until it closes or is done."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port.number)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if shut:
            writer.write_eof()
        async with asyncio.timeout(20):
            return await reader.read(4096)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def head(path: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@pytest.mark.parametrize("path", ROUTES)
async def test_a_length_beyond_the_limit_is_refused_before_the_body_comes(port: Port, path: str) -> None:
    for said in (BODY_LIMIT + 1, 10**11, 10**18):
        answer = await raw(port, head(path, {**good(path, b"x"), "Content-Length": str(said)}))
        assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("path", ROUTES)
async def test_chunks_that_go_on_are_cut_off_at_the_limit(port: Port, path: str) -> None:
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    answer = await raw(port, head(path, {**good(path, b"x"), "Transfer-Encoding": "chunked"}), *[chunk] * 17)
    assert answer.startswith(b"HTTP/1.1 413")
    assert not port.parsed


@pytest.mark.parametrize("said", ["-1", "+5", "0x10", "1 2", "١", "1, 2", "9" * 400])
async def test_a_length_that_is_none(port: Port, said: str) -> None:
    answer = await raw(port, head("/slack/events", {**good("/slack/events", b"x"), "Content-Length": said}))
    assert answer[9:12] in (b"400", b"413")


async def test_a_body_shorter_than_its_length_is_not_looked_at(port: Port) -> None:
    body = urlencode(COMMAND).encode()
    await raw(port, head("/slack/events", {**slack_headers(body), "Content-Length": "9999"}), body, shut=True)
    assert not port.parsed


async def test_a_length_and_chunks_at_once(port: Port) -> None:
    """Two servers could see two requests in it."""
    body = urlencode(COMMAND).encode()
    both = {**slack_headers(body), "Content-Length": str(len(body)), "Transfer-Encoding": "chunked"}
    await raw(port, head("/slack/events", both), b"0\r\n\r\n")
    assert not port.harness.promotions.asked


async def test_headers_without_end(port: Port) -> None:
    answer = await raw(port, b"POST /slack/events HTTP/1.1\r\nX: " + b"a" * 200_000)
    assert answer[9:12] in (b"400", b"431", b"")


@pytest.mark.parametrize("path", ROUTES)
async def test_a_stranger_is_refused_before_the_body_is_read(port: Port, path: str) -> None:
    """Only GitHub's and Slack's signatures are over the body: what has their shape is read, and no more."""
    answer = await raw(port, head(path, {"Authorization": "Bearer x", "Content-Length": "500000"}))
    assert answer.startswith(b"HTTP/1.1 401")


async def test_few_large_bodies_are_held_at_once_and_small_ones_always_pass() -> None:
    places = BodySlots(1)

    def request(size: int) -> Request:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b" " * size, "more_body": False}

        return Request({"type": "http", "method": "POST", "headers": []}, receive)

    with places.taken():
        with pytest.raises(NotTaken) as refused:
            await read(request(LARGE + 1), places)
        assert refused.value.status == 503
        assert len(await read(request(LARGE), places)) == LARGE
    assert len(await read(request(LARGE + 1), places)) == LARGE + 1


# Time.


async def test_unsigned_forms_of_a_megabyte_do_not_hold_up_a_command(port: Port) -> None:
    """Twenty of them took the event loop for nine seconds."""
    form = b"a&" * (BODY_LIMIT // 2)
    headers = {**slack_headers(form, secret="guess"), "Content-Type": FORM}
    attacks = [asyncio.create_task(port.post("/slack/events", form, headers)) for _ in range(20)]
    body = urlencode(COMMAND).encode()
    assert (await port.post("/slack/events", body, slack_headers(body))).status_code == 200
    assert {answer.status_code for answer in await asyncio.gather(*attacks)} <= {401, 503}
    assert port.parsed == ["slack"]


async def test_a_large_form_is_parsed_beside_the_event_loop(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[bool] = []

    def parse(request: Request, body: bytes) -> None:
        threads.append(threading.current_thread() is threading.main_thread())

    monkeypatch.setattr(slack_http, "_parse", parse)
    for size in (100, LARGE + 2):
        form = b"a&" * (size // 2)
        await port.post("/slack/events", form, slack_headers(form))
    assert threads == [True, False]


@asynccontextmanager
async def half_open(port: Port, number: int, begin: bytes) -> AsyncIterator[list[asyncio.StreamReader]]:
    """So many connections that have sent so much."""
    writers: list[asyncio.StreamWriter] = []
    readers: list[asyncio.StreamReader] = []
    try:
        for _ in range(number):
            reader, writer = await asyncio.open_connection("127.0.0.1", port.number)
            writer.write(begin)
            readers.append(reader)
            writers.append(writer)
        yield readers
    finally:
        for writer in writers:
            writer.transport.abort()


UNFINISHED: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "half a line": lambda: b"POST /slack/ev",
    "half the headers": lambda: b"POST /slack/events HTTP/1.1\r\nHost: x\r\nX-A: ",
    "an empty line": lambda: b"\r\n",
    "half a body": lambda: head("/slack/events", {**good("/slack/events", b"x"), "Content-Length": "999"}) + b"x",
    "half a chunk": lambda: (
        head("/slack/events", {**good("/slack/events", b"x"), "Transfer-Encoding": "chunked"}) + b"ffff\r\nx"
    ),
    "a body that nobody reads": lambda: head("/livez", {"Content-Length": "999"}).replace(b"POST", b"GET"),
    "refused, and the body goes on": lambda: head("/slack/events", {"Content-Length": "999999"}) + b"x",
    "WebSocket": lambda: (
        b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 9\r\n\r\n"
    ),
}


@pytest.mark.parametrize("unfinished", UNFINISHED)
async def test_a_request_that_does_not_come_to_its_end_is_ended(
    port: Port, unfinished: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slowloris: the deadline is for the whole of it, so a byte now and then does not put it off."""
    monkeypatch.setattr(BoundedProtocol, "seconds", dict.fromkeys(BoundedProtocol.seconds, 0.3))
    monkeypatch.setattr(request_body, "BODY_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port.number)
    writer.write(UNFINISHED[unfinished]())

    async def drip() -> None:
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.02)

    dripping = asyncio.create_task(drip())
    try:
        async with asyncio.timeout(8):
            while await reader.read(65_536):
                pass
    except ConnectionError:
        pass
    finally:
        dripping.cancel()
        writer.transport.abort()


@pytest.mark.parametrize("unfinished", ["nothing", "half the headers", "half a body"])
async def test_hundreds_of_half_open_connections_keep_nobody_out(
    port: Port, unfinished: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedProtocol, "most", 40)
    async with half_open(port, 300, UNFINISHED[unfinished]()) as readers:
        body = urlencode(COMMAND).encode()
        assert (await port.post("/slack/events", body, slack_headers(body))).status_code == 200
        assert await port.livez() == 200
        ended = sum(reader.at_eof() or reader.exception() is not None for reader in readers)
        assert ended >= 250


async def test_a_connection_that_is_being_answered_is_not_ended_for_others(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedProtocol, "most", 10)
    going_on, release = asyncio.Event(), asyncio.Event()

    async def slow(self: AsyncApp, request: Any) -> Any:
        going_on.set()
        await release.wait()
        return await dispatch(self, request)

    dispatch = AsyncApp.async_dispatch
    monkeypatch.setattr(AsyncApp, "async_dispatch", slow)
    body = urlencode(COMMAND).encode()
    answered = asyncio.create_task(port.post("/slack/events", body, slack_headers(body)))
    await going_on.wait()
    async with half_open(port, 60, b"GET"):
        assert await port.livez() == 200
        release.set()
        assert (await answered).status_code == 200


async def test_several_requests_on_one_connection_are_answered(port: Port) -> None:
    """The bounds are for half a request: whole ones follow each other."""
    async with httpx.AsyncClient(base_url=port.url, trust_env=False, verify=False) as http:
        for _ in range(5):
            assert (await http.get("/livez")).status_code == 200
            body = urlencode(COMMAND).encode()
            answer = await http.post("/slack/events", content=body, headers=slack_headers(body))
            assert answer.status_code == 200


# Whatever is signed.

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["type", "user", "id", "team", "team_id", "actions", "action_id", "action_ts", "value", "view", "state",
             "values", "event", "command", "user_id", "trigger_id", "text", "channel", "message", "blocks", "block_id",
             "elements", "options", "selected_option", "private_metadata", "callback_id", "authorizations",
             "enterprise", "container", "is_enterprise_install", "event_id", "hash", "token", "challenge",
             "trigger_id", "ts", "thread_ts"]
        ),
        inner,
        max_size=6,
    ),
    max_leaves=25,
)  # fmt: skip
KINDS = st.sampled_from(
    [
        "block_actions",
        "view_submission",
        "block_suggestion",
        "event_callback",
        "shortcut",
        "message_action",
        "view_closed",
        "x",
    ]
)


@given(body=VALUES, kind=KINDS | st.none())
@example(body={"view": None}, kind="view_closed")
@example(body={"view": 1}, kind="view_closed")
@example(body={"view": None}, kind=None)
@example(body={"callback_id": ""}, kind="workflow_step_edit")
@example(body={"view": {"callback_id": ""}}, kind="view_submission")
@example(body={"event": {"type": "workflow_step_execute"}}, kind="event_callback")
@example(body={"user": {"id": "U0ANA"}, "action_id": "app", "container": {"message_ts": 1}}, kind="block_suggestion")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_signed_body_is_a_fault_of_the_server(port: Port, body: Any, kind: str | None) -> None:
    if kind and isinstance(body, dict):
        body = {**body, "type": kind}
    whole = json.dumps(body).encode()
    transport = httpx.ASGITransport(port.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as http:
        for sent, as_ in ((whole, JSON), (urlencode({"payload": whole}).encode(), FORM)):
            answer = await http.post("/slack/events", content=sent, headers=slack_headers(sent, kind=as_))
            assert answer.status_code < 500, answer.text


@pytest.mark.parametrize("header", ["X-GitHub-Delivery", "Ce-Id", "Ce-Source"])
async def test_an_id_without_end_is_cut_to_what_is_kept_of_it(port: Port, header: str, monkeypatch: Any) -> None:
    """It stands in a header, which nobody signs; Postgres takes no more than the column holds, SQLite anything."""
    noted: list[str] = []

    async def note(self: WebhookStore, sender: str, delivery: str, facts: str, now: float) -> bool:
        noted.append(delivery)
        return True

    monkeypatch.setattr(WebhookStore, "note", note)
    push = {"ref": "refs/heads/main", "after": "a" * 40, "repository": {"full_name": "acme/overlays"}}
    run = {"pipelineRun": {"metadata": {"name": "r", "namespace": "ci", "uid": "u"}}}
    path = "/webhooks/github" if header.startswith("X") else "/webhooks/tekton"
    body = json.dumps(push if header.startswith("X") else run).encode()
    headers = {**hook_headers(path, body), "Ce-Source": "s", "Content-Type": JSON, header: "9" * 5000}
    assert (await port.post(path, body, headers)).status_code == 202
    assert [len(id) for id in noted] == [255]
