"""The event streams, with their traps (A9-A12)."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from integrations.sandbox.argocd.api import API, one_project
from integrations.sandbox.argocd.errors import StatusError
from integrations.sandbox.argocd.routes.applications import select_applications
from integrations.sandbox.argocd.selection import select_stream_fields
from integrations.sandbox.argocd.store import Event, qualified_name
from integrations.sandbox.argocd.tree import resource_tree

KEEPALIVE_SECONDS = 15.0
Frame = dict[str, Any]


class StreamRoutes:
    """`gap` in seconds: how long after the snapshot the subscription begins; what changes in it is lost (A10)."""

    def __init__(self, api: API, gap: float) -> None:
        self._api, self._gap = api, gap

    def routes(self) -> list[Route]:
        return [
            Route("/api/v1/stream/applications", self.applications),
            Route("/api/v1/stream/applications/{name}/resource-tree", self.tree),
        ]

    async def applications(self, request: Request) -> Response:
        self._api.access.account(request)
        return _stream(request, self._applications(request))

    async def _applications(self, request: Request) -> AsyncIterator[Frame | None]:
        try:
            async for frame in self._frames(request):
                yield frame
        except StatusError as error:
            yield _error_frame(error)

    async def _frames(self, request: Request) -> AsyncIterator[Frame]:
        last: dict[str, str] = {}
        async for kind, application in self._changes(request):
            frame = {"result": {"type": kind, "application": self._api.shown(application)}}
            if fields := request.query_params.get("fields"):
                frame = select_stream_fields(frame, fields)
            # Equal consecutive events of one NAME are sent once, whatever was left out of them (A11).
            name, text = application["metadata"]["name"], json.dumps(frame, sort_keys=True)
            if last.get(name) != text:
                last[name] = text
                yield frame

    async def _changes(self, request: Request) -> AsyncIterator[Event]:
        """The present state unless the caller has one already, then what happens from now on: no replay (A10)."""
        account, query = self._api.access.account(request), request.query_params
        if not query.get("resourceVersion") or query.get("name"):
            for application in select_applications(request, self._api.visible(account)):
                yield "ADDED", application
            await asyncio.sleep(self._gap)
        floor = int(query.get("resourceVersion") or 0)
        with self._api.store.subscribed() as queue:
            while True:
                kind, application = await queue.get()
                if kind == "ERROR":
                    raise application["error"]
                newer = int(application["metadata"]["resourceVersion"]) > floor
                if newer and self._wanted(request, application):
                    yield kind, application

    def _wanted(self, request: Request, application: Frame) -> bool:
        account = self._api.access.account(request)
        subject = f"{application['spec']['project']}/{qualified_name(application)}"
        return account.may("applications", "get", subject) and bool(select_applications(request, [application]))

    async def tree(self, request: Request) -> Response:
        application = self._api.application(request, "get", one_project(request))
        return _stream(request, self._trees(qualified_name(application)))

    async def _trees(self, name: str) -> AsyncIterator[Frame | None]:
        last: Frame | None = None
        changed = asyncio.Event()
        with self._api.store.watched(changed.set):
            while name in self._api.store.live:
                changed.clear()
                present = resource_tree(self._api.store.live[name])
                if present != last:
                    last = present
                    yield {"result": present}
                await changed.wait()


def _stream(request: Request, frames: AsyncIterator[Frame | None]) -> Response:
    if "text/event-stream" in request.headers.get("accept", ""):
        return StreamingResponse(_sse(frames), media_type="text/event-stream")
    return StreamingResponse(_ndjson(frames), media_type="application/json")


async def _ndjson(frames: AsyncIterator[Frame | None]) -> AsyncIterator[bytes]:
    async for frame in frames:
        yield json.dumps(frame).encode() + b"\n"


async def _sse(frames: AsyncIterator[Frame | None]) -> AsyncIterator[bytes]:
    """With a comment every 15 s; only this framing has a keepalive (A9)."""
    following = asyncio.ensure_future(anext(frames, None))
    try:
        while True:
            done, _ = await asyncio.wait({following}, timeout=KEEPALIVE_SECONDS)
            if not done:
                yield b":\n"
                continue
            frame = following.result()
            if frame is None:
                return
            yield b"data: " + json.dumps(frame).encode() + b"\n\n"
            following = asyncio.ensure_future(anext(frames, None))
    finally:
        following.cancel()


def _error_frame(error: StatusError) -> Frame:
    """The last line of a stream that failed after its status was sent (A9)."""
    words = {500: "Internal Server Error", 401: "Unauthorized", 403: "Forbidden", 504: "Gateway Timeout"}
    return {
        "error": {
            "grpc_code": int(error.code),
            "http_code": error.http_status,
            "message": error.message,
            "http_status": words.get(error.http_status, "Error"),
        }
    }
