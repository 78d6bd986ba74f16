"""The custom gates contract on the fake and, over a socket, on the client."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Protocol

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.domain.errors import IntegrationError
from bot.ports import CustomGates, CustomQuestion
from integrations.customgate import CustomGateClient
from integrations.http import HttpPolicy
from integrations.sandbox.serving import serve
from tests.fakes.customgates import MemoryCustomGates

SECRET = "shared s3cret"
PATH = "/gates/load-test"


class World(Protocol):
    """An endpoint that passes what is for staging."""

    url: str

    @property
    def gates(self) -> CustomGates: ...


class MemoryWorld:
    url = f"https://team.example.com{PATH}"

    def __init__(self) -> None:
        self.gates = MemoryCustomGates({self.url: lambda q: judged(str(q.body["environment"]))})


class SocketWorld:
    """Verifies the signature as a team would that knows GitHub's webhooks."""

    def __init__(self) -> None:
        self.url = ""
        self.gates: CustomGates
        self.app = Starlette(routes=[Route(PATH, self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> Response:
        expected = "sha256=" + hmac.new(SECRET.encode(), await request.body(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, request.headers.get("x-pilothouse-signature-256", "")):
            return Response(status_code=401)
        passes, reason = judged((await request.json())["environment"])
        return JSONResponse({"pass": passes, "reason": reason})


def judged(environment: str) -> tuple[bool, str]:
    return (True, "p99 is 120 ms") if environment == "staging" else (False, "p99 is 900 ms")


class CustomGatesContract:
    @pytest.mark.parametrize(
        ("environment", "expected"), [("staging", (True, "p99 is 120 ms")), ("production", (False, "p99 is 900 ms"))]
    )
    async def test_the_endpoint_decides(self, world: World, environment: str, expected: tuple[bool, str]) -> None:
        question = CustomQuestion(world.url, SECRET, timedelta(seconds=2), {"environment": environment})
        assert await world.gates.ask(question) == expected

    async def test_an_endpoint_that_is_not_there_is_an_error_and_no_verdict(self, world: World) -> None:
        question = CustomQuestion("http://127.0.0.1:1/", SECRET, timedelta(seconds=2), {"environment": "staging"})
        with pytest.raises(IntegrationError):
            await world.gates.ask(question)


class TestFake(CustomGatesContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryWorld()


class TestClient(CustomGatesContract):
    @pytest.fixture
    async def world(self) -> AsyncIterator[SocketWorld]:
        world = SocketWorld()
        async with serve(world.app) as url, CustomGateClient(policy=HttpPolicy(connect=1)) as client:
            world.url, world.gates = url + PATH, client
            yield world

    async def test_another_secret_is_refused(self, world: SocketWorld) -> None:
        question = CustomQuestion(world.url, "wrong", timedelta(seconds=2), {"environment": "staging"})
        with pytest.raises(IntegrationError, match="HTTP 401"):
            await world.gates.ask(question)
