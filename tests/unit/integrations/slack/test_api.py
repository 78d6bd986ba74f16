"""Calls of the Web API when Slack, or something on the way to it, does not answer as it should."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import trustme
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.domain.errors import NotFound, Refused, Unavailable
from bot.ports import FileUpload
from bot.settings import Tls
from integrations.sandbox.serving import serve
from integrations.sandbox.slack.limits import RateLimits
from integrations.sandbox.slack.server import BOT_TOKEN, SlackServer
from integrations.slack import SlackApi, probe
from integrations.slack.pace import Pace
from tests.unit.integrations.http.https import https

Make = Callable[[], Response]
OK: Make = lambda: JSONResponse({"ok": True, "ts": "1.0"})  # noqa: E731


class Slack:
    """Answers in this order, the last one for ever, and keeps what it was asked."""

    def __init__(self, *answers: Make) -> None:
        self.answers = list(answers)
        self.tokens: list[str] = []
        self.asked: list[str] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST"])])

    async def _answer(self, request: Request) -> Response:
        self.asked.append(request.url.path.removeprefix("/api/"))
        self.tokens.append(request.headers.get("authorization", "").removeprefix("Bearer "))
        await request.body()
        return (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])()


@asynccontextmanager
async def calling(
    slack: Slack, token: Callable[[], str] = lambda: "xoxb-1", budget: float = 2
) -> AsyncIterator[SlackApi]:
    async with serve(slack.app) as url:
        api = SlackApi(token, f"{url}/api", budget=budget)
        yield api
        await api.aclose()


def limited(seconds: str = "1") -> Make:
    return lambda: JSONResponse({"ok": False, "error": "ratelimited"}, 429, headers={"Retry-After": seconds})


def refused(code: str) -> Make:
    return lambda: JSONResponse({"ok": False, "error": code})


def endless() -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b'"' + b"x" * 1_000_000
            await asyncio.sleep(0)

    return StreamingResponse(chunks(), media_type="application/json")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("message_not_found", NotFound),
        ("users_not_found", NotFound),
        ("user_not_visible", NotFound),
        ("invalid_auth", Refused),
        ("cant_update_message", Refused),
        ("internal_error", Unavailable),
        ("a_code_of_tomorrow", Refused),
    ],
)
async def test_status_200_is_not_success(code: str, kind: type[Exception]) -> None:
    """S1."""
    async with calling(Slack(refused(code))) as api:
        with pytest.raises(kind) as caught:
            await api.write("chat.update", channel="C", ts="1", text="x")
    assert type(caught.value) is kind
    assert f"Slack: chat.update: {code}" in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        lambda: Response("<html>Proxy login</html>", media_type="text/html"),
        lambda: PlainTextResponse("hello"),
        lambda: Response('{"ok": tr', media_type="application/json"),
        lambda: Response("[1, 2]", media_type="application/json"),
        lambda: Response("null", media_type="application/json"),
        lambda: Response("", media_type="application/json"),
        lambda: Response(b"\xff\xfe", media_type="application/json"),
        lambda: Response("[" * 100_000, media_type="application/json"),
        endless,
    ],
    ids=["html", "text", "truncated", "list", "null", "empty", "not-utf8", "deep", "endless"],
)
async def test_what_is_not_slacks_answer_is_refused(answer: Make) -> None:
    async with calling(Slack(answer)) as api:
        with pytest.raises(Refused):
            await api.write("chat.postMessage", channel="C", text="x")


async def test_too_many_calls_wait_as_long_as_slack_says() -> None:
    """S2: a call that was refused was not taken, so even a post is repeated."""
    slack = Slack(limited(), OK)
    async with calling(slack) as api:
        started = asyncio.get_running_loop().time()
        assert (await api.write("chat.postMessage", channel="C", text="x"))["ts"] == "1.0"
        assert asyncio.get_running_loop().time() - started >= 1
    assert len(slack.tokens) == 2


async def test_a_wait_beyond_the_budget_is_told_at_once_and_remembered() -> None:
    """S2."""
    slack = Slack(limited("30"), OK)
    async with calling(slack) as api:
        with pytest.raises(Unavailable) as first:
            await api.write("chat.postMessage", channel="C", text="x")
        with pytest.raises(Unavailable) as second:
            await api.write("chat.postMessage", channel="C", text="x")
        assert (await api.write("chat.postMessage", channel="C2", text="x"))["ok"]
    assert first.value.retry_after == timedelta(seconds=30)
    assert second.value.retry_after is not None
    assert len(slack.tokens) == 2


async def test_a_post_whose_reply_is_lost_is_not_repeated_by_itself() -> None:
    """S3."""
    slack = Slack(lambda: Response(status_code=503), OK)
    async with calling(slack) as api:
        with pytest.raises(Unavailable):
            await api.write("chat.postMessage", channel="C", text="x")
    assert len(slack.tokens) == 1


@pytest.mark.parametrize("sick", [lambda: Response(status_code=503), refused("internal_error")])
async def test_what_can_be_repeated_is(sick: Make) -> None:
    slack = Slack(sick, sick, OK)
    async with calling(slack) as api:
        assert (await api.write("chat.update", idempotent=True, channel="C", ts="1", text="x"))["ok"]
    async with calling(Slack(sick, OK)) as api:
        assert (await api.read("auth.test"))["ok"]
    assert len(slack.tokens) == 3


async def test_a_dead_slack_costs_a_bounded_wait() -> None:
    async def slow(_request: Request) -> Response:
        await asyncio.sleep(30)
        return Response()

    async with serve(Starlette(routes=[Route("/{path:path}", slow, methods=["GET", "POST"])])) as url:
        api = SlackApi(lambda: "xoxb-1", f"{url}/api", budget=0.2)
        with pytest.raises(Unavailable, match=r"Slack: auth.test: no answer within 0.2 seconds"):
            await api.read("auth.test")
        await api.aclose()


async def test_nobody_is_there_and_then_somebody_is() -> None:
    async with serve(Slack(OK).app) as url:
        port = int(url.rpartition(":")[2])
    api = SlackApi(lambda: "xoxb-1", f"{url}/api", budget=0.5)
    with pytest.raises(Unavailable, match="no connection"):
        await api.write("chat.postMessage", channel="C", text="x")
    async with serve(Slack(OK).app, port):
        assert (await api.write("chat.postMessage", channel="C", text="x"))["ok"]
        await api.aclose()


async def test_the_token_is_asked_for_at_each_call() -> None:
    """E4: a Secret that changed restarts no pod."""
    slack, tokens = Slack(OK), iter(["xoxb-old", "xoxb-new"])
    async with calling(slack, lambda: next(tokens)) as api:
        await api.read("auth.test")
        await api.write("chat.postMessage", channel="C", text="x")
    assert slack.tokens == ["xoxb-old", "xoxb-new"]


async def test_a_token_that_cannot_be_had() -> None:
    def unreadable() -> str:
        raise FileNotFoundError(2, "No such file or directory", "slack__bot_token")

    async with calling(Slack(OK), unreadable) as api:
        with pytest.raises(Unavailable, match="credential's file cannot be read"):
            await api.read("auth.test")
    async with calling(Slack(OK), lambda: "") as api:
        with pytest.raises(Refused, match="PILOTHOUSE_SLACK__BOT_TOKEN"):
            await api.read("auth.test")


async def test_the_token_is_in_no_error_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    answers = (refused("invalid_auth"), lambda: Response("<html>", media_type="text/html"))
    for answer in answers:
        async with calling(Slack(answer), lambda: "xoxb-canary") as api:
            with pytest.raises(Refused) as caught:
                await api.write("chat.postMessage", channel="C", text="x")
            assert "canary" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r} {api!r}"
    assert "canary" not in caplog.text


async def test_all_pages_are_read_and_no_more() -> None:
    def page(number: int, cursor: str) -> Make:
        return lambda: JSONResponse({"ok": True, "page": number, "response_metadata": {"next_cursor": cursor}})

    async with calling(Slack(page(1, "a"), page(2, "b"), page(3, ""))) as api:
        assert [found["page"] async for found in api.pages("users.list", 10)] == [1, 2, 3]
    async with calling(Slack(page(1, "for ever"))) as api:
        assert [found["page"] async for found in api.pages("users.list", 2)] == [1, 1]


async def test_a_channel_gets_about_one_message_a_second() -> None:
    """S2: a burst is let through, then they wait; other channels and methods do not."""
    now = 0.0
    pace = Pace(lambda: now, burst=3)
    for _ in range(3):
        await pace.turn("chat.postMessage", "C1", 0)
    with pytest.raises(Unavailable) as caught:
        await pace.turn("chat.postMessage", "C1", 0.5)
    assert caught.value.retry_after == timedelta(seconds=1)
    await pace.turn("chat.postMessage", "C2", 0)
    await pace.turn("chat.update", "C1", 0)
    now = 1.0
    await pace.turn("chat.postMessage", "C1", 0)


async def test_a_limit_of_a_method_holds_in_every_channel_and_one_of_posting_in_its_own() -> None:
    """S2: limits are per method and workspace; only messages are counted by channel."""
    now = 0.0
    pace = Pace(lambda: now)
    for method in ("chat.update", "chat.postMessage"):
        pace.closed(method, "C1", timedelta(seconds=30))
    for method, channel in (("chat.update", "C1"), ("chat.update", "C2"), ("chat.postMessage", "C1")):
        with pytest.raises(Unavailable) as caught:
            await pace.turn(method, channel, 1)
        assert caught.value.retry_after == timedelta(seconds=30)
    await pace.turn("chat.postMessage", "C2", 0)
    await pace.turn("conversations.info", "C1", 0)
    now = 30.0
    await pace.turn("chat.update", "C2", 0)


async def test_an_edit_elsewhere_waits_too_when_slack_limits_edits() -> None:
    """S2."""
    slack = Slack(limited("30"), OK)
    async with calling(slack) as api:
        for channel in ("C1", "C2"):
            with pytest.raises(Unavailable):
                await api.write("chat.update", channel=channel, ts="1", text="x")
        assert len(slack.tokens) == 1
        assert (await api.write("chat.postMessage", channel="C2", text="x"))["ok"]


async def test_a_stricter_slack_than_we_thought_is_obeyed(workspace: SlackServer) -> None:
    """S2."""
    workspace.limits = RateLimits(channel_burst=1)
    async with serve(workspace.app) as url:
        api = SlackApi(lambda: BOT_TOKEN, f"{url}/api/", budget=5)
        for number in range(3):
            await api.write("chat.postMessage", channel="C0DEPLOY", text=str(number))
        await api.aclose()
    assert [message["text"] for message in workspace.messages("C0DEPLOY", "ana")] == ["0", "1", "2"]


STEPS = ["files.getUploadURLExternal", "upload/v1/1", "files.completeUploadExternal"]


class Uploading(Slack):
    """Takes files. `instead` are answers of a step, by its path, that come before the usual one."""

    def __init__(self, **instead: list[Make]) -> None:
        super().__init__(OK)
        self.instead = {step: instead.get(name, []) for name, step in zip(("ask", "send", "share"), STEPS, strict=True)}

    async def _answer(self, request: Request) -> Response:
        usual = await super()._answer(request)
        step = self.asked[-1] = self.asked[-1].removeprefix("/")
        if self.instead[step]:
            return self.instead[step].pop(0)()
        if step == STEPS[0]:
            return JSONResponse({"ok": True, "file_id": "F1", "upload_url": str(request.url.replace(path=STEPS[1]))})
        return PlainTextResponse("OK - 4") if step == STEPS[1] else usual


@pytest.mark.parametrize(
    ("instead", "asked"),
    [
        ({"ask": [limited()]}, [STEPS[0], *STEPS]),
        ({"share": [limited()]}, [*STEPS, STEPS[2]]),
    ],
    ids=["ask", "share"],
)
async def test_each_step_of_an_upload_waits_as_long_as_slack_says(
    instead: dict[str, list[Make]], asked: list[str]
) -> None:
    """S2, S9: the bytes go out once, and without the token."""
    slack = Uploading(**instead)
    async with calling(slack) as api:
        started = asyncio.get_running_loop().time()
        await api.upload("C", FileUpload("run.log", b"line", "The log"))
        assert asyncio.get_running_loop().time() - started >= 1
    assert slack.asked == asked
    assert slack.tokens == ["" if step == STEPS[1] else "xoxb-1" for step in asked]


@pytest.mark.parametrize(
    ("name", "method", "calls"),
    [("ask", "files.getUploadURLExternal", 1), ("share", "files.completeUploadExternal", 3)],
)
async def test_a_limit_of_uploads_beyond_the_budget_is_told_at_once_and_remembered(
    name: str, method: str, calls: int
) -> None:
    """S2, S9: by the step that met it."""
    slack = Uploading(**{name: [limited("30")]})
    async with calling(slack) as api:
        for _ in range(2):
            with pytest.raises(Unavailable, match=f"Slack: {method}: ") as caught:
                await api.upload("C", FileUpload("run.log", b"line", "The log"))
            assert caught.value.retry_after is not None
            assert caught.value.retry_after.total_seconds() > 28
    assert slack.asked.count(method) == 1
    assert slack.asked[:calls] == STEPS[:calls]


@pytest.mark.parametrize(
    ("instead", "kind", "words"),
    [
        ({"ask": [refused("missing_scope")]}, Refused, r"Slack: files\.getUploadURLExternal: missing_scope"),
        ({"ask": [OK]}, Refused, r"Slack: files\.getUploadURLExternal: the answer names no"),
        ({"send": [lambda: PlainTextResponse("no", 400)]}, Refused, "Slack: send the bytes of a file: status 400"),
        ({"send": [lambda: PlainTextResponse("no", 503)]}, Unavailable, "Slack: send the bytes of a file: status 503"),
        ({"send": [limited("7")]}, Unavailable, "Slack: send the bytes of a file: status 429"),
        ({"share": [refused("not_in_channel")]}, Refused, r"Slack: files\.completeUploadExternal: not_in_channel"),
        ({"share": [lambda: Response(status_code=503)]}, Unavailable, r"Slack: files\.completeUploadExternal: "),
    ],
)
async def test_an_upload_that_fails_names_the_step(
    instead: dict[str, list[Make]], kind: type[Exception], words: str
) -> None:
    """S9: a file is shared once, so a share whose reply is lost is not repeated."""
    slack = Uploading(**instead)
    async with calling(slack) as api:
        with pytest.raises(kind, match=words):
            await api.upload("C", FileUpload("run.log", b"line", "The log"))
    assert len(slack.asked) == len(set(slack.asked))


async def test_the_budget_is_for_all_steps_of_an_upload_together() -> None:
    """S9."""
    slack = Uploading(ask=[limited()], share=[limited()])
    async with calling(slack, budget=1.8) as api:
        with pytest.raises(Unavailable, match=r"Slack: files\.completeUploadExternal: "):
            await api.upload("C", FileUpload("run.log", b"line", "The log"))
    assert slack.asked == [STEPS[0], *STEPS]


async def test_the_probe_names_the_scopes_that_are_missing(workspace: SlackServer, api: SlackApi) -> None:
    found = await probe(api)
    assert (found.team, found.bot_user, found.missing) == ("T0PILOT", "U0PILOTHOUSE", {})
    workspace.config.bot_scopes = tuple(s for s in workspace.config.bot_scopes if s != "usergroups:read")
    assert list((await probe(api)).missing) == ["usergroups:read"]
    workspace.config.bot_token = "xoxb-other"
    with pytest.raises(Refused, match="invalid_auth: check the bot token"):
        await probe(api)


async def test_an_authority_of_ones_own_is_trusted_where_it_is_configured(tmp_path: Path) -> None:
    authority, bundle = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\nConnection: close\r\n\r\n"
    async with https(authority, head + b'{"ok":true}') as url:
        for tls, trusted in ((Tls(), False), (Tls(ca_bundle=bundle), True)):
            api = SlackApi(lambda: "xoxb-1", f"{url}/api/", tls=tls)
            try:
                if trusted:
                    assert (await api.read("auth.test"))["ok"]
                else:
                    with pytest.raises(Refused, match="not trusted: set PILOTHOUSE_SLACK__CA_BUNDLE"):
                        await api.read("auth.test")
            finally:
                await api.aclose()


async def test_it_stays_closed() -> None:
    """A call that was still under way when the others were given up would open a session that nobody closes."""
    slack = Slack(OK)
    async with serve(slack.app) as url:
        api = SlackApi(lambda: "xoxb-1", f"{url}/api", budget=0.2)
        await api.read("auth.test")
        await api.aclose()
        with pytest.raises(Unavailable, match="the connection was closed"):
            await api.read("auth.test")
    assert len(slack.tokens) == 1
