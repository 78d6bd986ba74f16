"""The bodies of requests whose sender is not known yet: bounded in size and in time."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

BODY_LIMIT = 1024 * 1024
"""bytes"""
BODY_SECONDS = 10.0


class TooLarge(Exception):
    """The body goes on beyond the limit."""


async def read(request: Request) -> bytes:
    """Raises TooLarge, before everything has come where the sender says how much it is."""
    said = request.headers.get("content-length", "")
    if said.isascii() and said.isdigit() and int(said[:12]) > BODY_LIMIT:
        raise TooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise TooLarge
    return bytes(body)


def told(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status)
