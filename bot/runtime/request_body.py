"""The bodies of requests whose sender is not known yet: bounded in size, in time, and in number."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

BODY_LIMIT = 1024 * 1024
"""bytes"""
BODY_SECONDS = 10.0
LARGE = 64 * 1024
"""bytes; what is larger is parsed beside the event loop, and only so many are read at a time"""
LARGE_AT_ONCE = 48


class NotTaken(Exception):
    """The body is refused unread. `status` and `sentence` are the answer."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(status, sentence)
        self.status, self.sentence = status, sentence


class BodySlots:
    """So many large bodies are held in memory at once; small ones always have room."""

    def __init__(self, number: int) -> None:
        self.free = number

    @contextmanager
    def taken(self) -> Iterator[None]:
        if not self.free:
            raise NotTaken(503, "too many large requests at once: send it again in a minute")
        self.free -= 1
        try:
            yield
        finally:
            self.free += 1


PLACES = BodySlots(LARGE_AT_ONCE)


async def read(request: Request, places: BodySlots = PLACES) -> bytes:
    """Raises NotTaken. The limit holds for what comes, whatever the sender says about it."""
    if _announced(request) > BODY_LIMIT:
        raise _too_large()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _whole(request, places)
    except TimeoutError:
        raise NotTaken(408, f"the body did not come within {BODY_SECONDS:g} seconds") from None
    except ClientDisconnect:
        raise NotTaken(400, "the body did not come to its end") from None


async def _whole(request: Request, places: BodySlots) -> bytes:
    body = bytearray()
    stream = request.stream()
    async for chunk in stream:
        body += chunk
        if len(body) > LARGE:
            break
    if len(body) <= LARGE:
        return bytes(body)
    with places.taken():
        async for chunk in stream:
            body += chunk
            if len(body) > BODY_LIMIT:
                raise _too_large()
        if len(body) > BODY_LIMIT:
            raise _too_large()
        return bytes(body)


def _announced(request: Request) -> int:
    said = request.headers.get("content-length", "")
    return int(said[:12]) if said.isascii() and said.isdigit() else 0


def _too_large() -> NotTaken:
    return NotTaken(413, f"the body is larger than {BODY_LIMIT} bytes")


def told(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status)
