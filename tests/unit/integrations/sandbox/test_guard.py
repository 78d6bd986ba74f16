"""A web page that somebody has open beside the sandbox drives nothing in it."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from integrations.sandbox.local_only import LocalOnlyMiddleware


async def driven(_request: Request) -> Response:
    return PlainTextResponse("driven")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "127.0.0.1:8765"}, 200),
        ({"host": "localhost:8765"}, 200),
        ({"host": "[::1]:8765"}, 200),
        ({"host": "127.0.0.1:8765", "origin": "http://127.0.0.1:8765"}, 200),
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example:8765"}, 403),
        ({"host": "[oops"}, 403),
        ({"host": "127.0.0.1:8765", "origin": "https://evil.example"}, 403),
        ({"host": "127.0.0.1:8765", "origin": "http://127.0.0.1:9999"}, 403),
        ({"host": "127.0.0.1:8765", "origin": "null"}, 403),
    ],
)
async def test_who_drives_the_sandbox(headers: dict[str, str], status: int) -> None:
    app = Starlette(routes=[Route("/", driven, methods=["POST"])], middleware=[Middleware(LocalOnlyMiddleware)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8765") as client:
        assert (await client.post("/", headers=headers)).status_code == status
