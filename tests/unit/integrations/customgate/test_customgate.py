"""A team's own gate."""

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import respx

from bot.domain.errors import Refused, Unavailable
from bot.ports import CustomQuestion
from integrations.customgate import CustomGateClient
from integrations.http import HttpPolicy
from tests.unit.integrations.http.server import misbehaving, silent

URL = "https://team.example.com/gates/load-test?team=a"
BODY = {"app": "my-app", "environment": "production", "image": "harbor.example.com/apps/my-app@sha256:…"}


@pytest.fixture
async def gates() -> AsyncIterator[CustomGateClient]:
    async with CustomGateClient(policy=HttpPolicy(connect=1)) as made:
        yield made


def question(url: str = URL, secret: str = "s3cret", seconds: float = 2) -> CustomQuestion:
    return CustomQuestion(url, secret, timedelta(seconds=seconds), BODY)


@respx.mock
async def test_the_question_is_signed_over_its_exact_bytes(gates: CustomGateClient) -> None:
    route = respx.post(URL).respond(json={"pass": True, "reason": "p99 is 120 ms"})
    assert await gates.ask(question()) == (True, "p99 is 120 ms")
    sent = route.calls.last.request
    expected = hmac.new(b"s3cret", sent.content, hashlib.sha256).hexdigest()
    assert sent.headers["x-pilothouse-signature-256"] == f"sha256={expected}"
    assert json.loads(sent.content) == BODY
    assert str(sent.url) == URL


@respx.mock
async def test_without_a_secret_nothing_is_signed(gates: CustomGateClient) -> None:
    route = respx.post(URL).respond(json={"pass": False, "reason": ""})
    assert await gates.ask(question(secret="")) == (False, "")
    assert "x-pilothouse-signature-256" not in route.calls.last.request.headers


@pytest.mark.parametrize(
    "answer", ['{"pass": "true"}', '{"pass": 1}', '{"pass": null}', "{}", "true", "", "<html>", '{"passed": true}']
)
@respx.mock
async def test_an_answer_that_is_none_does_not_pass(gates: CustomGateClient, answer: str) -> None:
    respx.post(URL).respond(content=answer.encode())
    with pytest.raises(Refused):
        await gates.ask(question())


@respx.mock
async def test_it_is_asked_once(gates: CustomGateClient) -> None:
    route = respx.post(URL).respond(503)
    with pytest.raises(Unavailable):
        await gates.ask(question())
    assert route.call_count == 1


async def test_it_has_its_own_time(gates: CustomGateClient) -> None:
    async with misbehaving(silent) as url:
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            await gates.ask(question(url, seconds=0.2))
    assert time.monotonic() - begun < 20


@respx.mock
async def test_a_long_reason_is_cut_and_a_huge_answer_refused(gates: CustomGateClient) -> None:
    respx.post(URL).mock(
        side_effect=[
            httpx.Response(200, json={"pass": False, "reason": "x" * 5000}),
            httpx.Response(200, json={"pass": False, "reason": "x" * 100_000}),
        ]
    )
    assert len((await gates.ask(question()))[1]) == 1000
    with pytest.raises(Refused, match="larger than"):
        await gates.ask(question())


async def test_a_url_that_is_none_is_refused(gates: CustomGateClient) -> None:
    with pytest.raises(Refused, match="custom gate"):
        await gates.ask(question("team.example.com"))
