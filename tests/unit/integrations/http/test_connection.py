"""The one connection policy: retries, times, sizes, errors, secrets."""

import asyncio
import gzip
import pickle
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import respx

from bot.domain.errors import IntegrationError, NotFound, Refused, Unavailable
from bot.settings import Credential
from integrations.http import Answer, Basic, Bearer, Connection, HttpPolicy
from tests.unit.integrations.http.server import endless, misbehaving, raw, silent

URL = "https://system.example.com"
QUICK = HttpPolicy(connect=0.5, read=0.5, total=3, attempts=3, backoff=0.001, body_limit=1000, line_limit=100)
CANARY = "canary-s3cret"


@pytest.fixture
async def connection() -> AsyncIterator[Connection]:
    async with Connection("system", URL, auth=Bearer(lambda: CANARY), policy=QUICK) as made:
        yield made


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@respx.mock
async def test_a_read_is_tried_again_where_that_may_help(connection: Connection, status: int) -> None:
    """A4: what gRPC calls Unavailable, Internal, ResourceExhausted, DeadlineExceeded."""
    route = respx.get(URL).mock(side_effect=[httpx.Response(status), httpx.Response(200, json={})])
    assert (await connection.request("read", "GET", "/")).status == 200
    assert route.call_count == 2


@pytest.mark.parametrize("status", [400, 401, 403, 409, 412, 422, 501])
@respx.mock
async def test_a_refusal_is_not_tried_again(connection: Connection, status: int) -> None:
    """A4: what gRPC calls InvalidArgument, PermissionDenied, Aborted, Unimplemented."""
    route = respx.get(URL).respond(status)
    with pytest.raises(Refused, match=f"HTTP {status}"):
        await connection.request("read", "GET", "/")
    assert route.call_count == 1


@respx.mock
async def test_a_write_is_tried_once(connection: Connection) -> None:
    route = respx.post(URL).respond(503)
    with pytest.raises(Unavailable):
        await connection.request("write", "POST", "/", json={})
    assert route.call_count == 1


@respx.mock
async def test_a_post_that_only_reads_may_say_so(connection: Connection) -> None:
    route = respx.post(URL).mock(side_effect=[httpx.Response(503), httpx.Response(200)])
    await connection.request("query", "POST", "/", json={}, idempotent=True)
    assert route.call_count == 2


@respx.mock
async def test_tries_end(connection: Connection) -> None:
    route = respx.get(URL).mock(side_effect=httpx.ConnectError("refused"))
    with pytest.raises(Unavailable) as told:
        await connection.request("read the thing", "GET", "/")
    assert route.call_count == QUICK.attempts
    assert (told.value.system, told.value.operation) == ("system", "read the thing")


@respx.mock
async def test_waits_as_long_as_it_is_asked_to(connection: Connection) -> None:
    respx.get(URL).mock(side_effect=[httpx.Response(429, headers={"Retry-After": "1"}), httpx.Response(200)])
    begun = time.monotonic()
    await connection.request("read", "GET", "/")
    assert time.monotonic() - begun >= 1


@respx.mock
async def test_a_wait_beyond_the_budget_is_told_at_once(connection: Connection) -> None:
    route = respx.get(URL).respond(429, headers={"Retry-After": "60"})
    with pytest.raises(Unavailable) as told:
        await connection.request("read", "GET", "/")
    assert told.value.retry_after == timedelta(seconds=60)
    assert route.call_count == 1


@respx.mock
async def test_forbidden_with_a_time_to_retry_is_unavailable(connection: Connection) -> None:
    respx.get(URL).respond(403, headers={"Retry-After": "60"})
    with pytest.raises(Unavailable):
        await connection.request("read", "GET", "/")


@respx.mock
async def test_absent_is_not_found(connection: Connection) -> None:
    respx.get(URL).respond(404, json={"errors": [{"code": "NOT_FOUND", "message": "no such\nthing"}]})
    with pytest.raises(NotFound, match="HTTP 404: no such thing"):
        await connection.request("read", "GET", "/")


@respx.mock
async def test_redirects_are_not_followed(connection: Connection) -> None:
    respx.get(URL).respond(302, headers={"Location": "https://evil.example.com/"})
    with pytest.raises(Refused, match="redirects are not followed"):
        await connection.request("read", "GET", "/")


@respx.mock
async def test_cookies_are_neither_kept_nor_sent(connection: Connection) -> None:
    """H6: whoever sends Harbor's `sid` back must also send a CSRF token."""
    route = respx.get(URL).respond(200, headers={"Set-Cookie": "sid=1; Path=/"})
    await connection.request("read", "GET", "/")
    await connection.request("read", "GET", "/")
    assert "cookie" not in route.calls.last.request.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@respx.mock
async def test_the_content_type_is_bare_with_or_without_a_body(connection: Connection, method: str) -> None:
    """A2."""
    route = respx.request(method, URL).respond(200)
    await connection.request("write", method, "/")
    await connection.request("write", method, "/", json={"a": 1})
    assert {call.request.headers["content-type"] for call in route.calls} == {"application/json"}


@respx.mock
async def test_the_refusal_of_a_system_has_that_systems_own_meaning() -> None:
    def refine(answer: Answer) -> IntegrationError | None:
        return Unavailable(answer.system, answer.operation, "wait a little") if answer.status == 409 else None

    route = respx.get(URL).mock(side_effect=[httpx.Response(409), httpx.Response(200)])
    async with Connection("system", URL, policy=QUICK, refine=refine) as connection:
        await connection.request("read", "GET", "/")
    assert route.call_count == 2


@respx.mock
async def test_a_secret_that_the_server_repeats_is_not_repeated_by_us(connection: Connection) -> None:
    respx.get(URL).respond(400, json={"message": f"invalid token {CANARY}"})
    with pytest.raises(Refused, match=r"invalid token \*\*\*") as told:
        await connection.request("read", "GET", "/")
    assert CANARY not in repr(told.value)
    assert pickle.loads(pickle.dumps(told.value)) == told.value


@pytest.mark.parametrize("secret", ["line\nbreak", "schlüssel", "nul\0"])
async def test_a_secret_that_no_header_can_carry_is_refused_without_showing_it(secret: str) -> None:
    async with Connection("system", URL, auth=Bearer(lambda: secret), policy=QUICK) as connection:
        with pytest.raises(Refused, match="credential") as told:
            await connection.request("read", "GET", "/")
    assert secret not in str(told.value)


@respx.mock
async def test_a_rotated_secret_is_used_at_the_next_request(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    route = respx.get(URL).respond(200)
    async with Connection("system", URL, auth=Basic("robot$a", Credential(None, file)), policy=QUICK) as connection:
        await connection.request("read", "GET", "/")
        file.write_text("second\n")
        await connection.request("read", "GET", "/")
    sent = [httpx.BasicAuth("robot$a", word)._auth_header for word in ("first", "second")]
    assert [call.request.headers["authorization"] for call in route.calls] == sent


async def test_a_secret_whose_file_is_gone_is_unavailable(tmp_path: Path) -> None:
    auth = Bearer(Credential(None, tmp_path / "absent"))
    async with Connection("system", URL, auth=auth, policy=replace(QUICK, attempts=1)) as connection:
        with pytest.raises(Unavailable, match="credential's file"):
            await connection.request("read", "GET", "/")


@pytest.mark.parametrize("url", ["", "system.example.com", "ftp://system.example.com", "https://", "http://host:port"])
def test_a_url_that_cannot_be_one_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="system"):
        Connection("system", url)


async def test_a_proxy_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    heads: list[bytes] = []

    async def proxy(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(b"asked")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()

    async with misbehaving(proxy) as url:
        monkeypatch.setenv("HTTP_PROXY", url)
        async with Connection("system", "http://behind.example.com", policy=QUICK) as connection:
            await connection.request("read", "GET", "/")
    assert heads == [b"asked"]


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BROKEN = {
    "breaks off": (raw(OK + b"Content-Length: 100\r\n\r\n{"), Unavailable, "connection broke"),
    "hangs up": (raw(b""), Unavailable, "connection broke"),
    "is no HTTP": (raw(b"SSH-2.0-OpenSSH_9.9\r\n"), Unavailable, "connection broke"),
    "is silent": (silent, Unavailable, "did not answer in time"),
    "is too large": (raw(OK + b"Content-Length: 5000\r\n\r\n" + b" " * 5000), Refused, "larger than 1000 bytes"),
    "never ends": (endless(OK + b"\r\n", b" " * 4096), Refused, "larger than 1000 bytes"),
    "swells": (
        raw(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b" " * 1_000_000)),
        Refused,
        "larger than 1000 bytes",
    ),
    "is not what it says": (raw(OK + b"Content-Encoding: gzip\r\n\r\nplain text"), Refused, "compression is broken"),
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_broken_answer_is_an_error_of_ours(fault: str) -> None:
    behave, expected, words = BROKEN[fault]
    async with misbehaving(behave) as url, Connection("system", url, policy=replace(QUICK, attempts=1)) as connection:
        with pytest.raises(expected, match=words):
            await connection.request("read", "GET", "/")


async def test_an_answer_that_trickles_costs_no_more_than_the_total() -> None:
    async def trickle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    policy = replace(QUICK, total=0.4)
    async with misbehaving(trickle) as url, Connection("system", url, policy=policy) as connection:
        begun = time.monotonic()
        with pytest.raises(Unavailable, match=r"no answer within 0\.4 seconds"):
            await connection.request("read", "GET", "/")
    assert time.monotonic() - begun < 20


@respx.mock
async def test_a_system_that_comes_back_is_used_again(connection: Connection) -> None:
    route = respx.get(URL).mock(side_effect=httpx.ConnectError("refused"))
    with pytest.raises(Unavailable):
        await connection.request("read", "GET", "/")
    route.mock(return_value=httpx.Response(200))
    assert (await connection.request("read", "GET", "/")).status == 200


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html><body>Sign in</body></html>", "not the JSON that was expected .*text/html"),
        (b'{"name": "a', "not the JSON"),
        (b'{"name": 1}', r"Expected `str`, got `int`"),
        (b"\xff\xfe", "not the JSON"),
        (b"", "not the JSON"),
        (b"[" * 100_000, "not the JSON|nested too deeply"),
    ],
)
def test_an_answer_that_is_not_what_was_expected_is_refused(body: bytes, words: str) -> None:
    answer = Answer("system", "read", 200, httpx.Headers({"content-type": "text/html"}), body)
    with pytest.raises(Refused, match=words):
        answer.decode(dict[str, str])


async def test_it_stays_closed() -> None:
    connection = Connection("system", URL, policy=QUICK)
    await connection.aclose()
    with pytest.raises(Unavailable, match="the connection was closed"):
        await connection.request("ask", "GET", "/")


async def test_a_later_request_imports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decision 0310: what is tried to be imported and is not there is looked for on the whole path each time."""
    looked: list[str] = []

    class Finder:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> None:
            looked.append(name)

    answer = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    async with misbehaving(answer) as url, Connection("system", url) as connection:
        await connection.request("read", "GET", "/")
        monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
        await connection.request("read", "GET", "/")
    assert looked == []
