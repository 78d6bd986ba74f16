"""The HTTP port: is it alive, is it ready, its metrics, Slack's requests in HTTP mode, and webhooks."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from typing import Protocol

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

ENGINE_PATIENCE = timedelta(seconds=5)

Handler = Callable[[Request], Awaitable[Response]]


class Engine(Protocol):
    async def beat(self, within: timedelta) -> bool:
        """Whether the durable engine answers."""
        ...


class Readiness(Protocol):
    async def __call__(self) -> Mapping[str, bool]:
        """What must be true before work is sent here, by name."""
        ...


def web(
    engine: Engine,
    ready: Readiness,
    metrics: CollectorRegistry,
    refresh: Callable[[], Awaitable[None]],
    slack: Handler | None,
    webhooks: Iterable[BaseRoute],
) -> Starlette:
    """The application. `refresh` brings gauges up to date; `slack` answers Slack's requests, None in Socket Mode."""

    async def livez(_request: Request) -> Response:
        # A stuck event loop does not get here at all: the probe times out, which is the answer.
        alive = await engine.beat(ENGINE_PATIENCE)
        return JSONResponse({"durable engine": alive}, 200 if alive else 503)

    async def readyz(_request: Request) -> Response:
        parts = await ready()
        return JSONResponse(dict(parts), 200 if all(parts.values()) else 503)

    async def scrape(_request: Request) -> Response:
        await refresh()
        return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)

    routes: list[BaseRoute] = [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", scrape)]
    if slack:
        routes.append(Route("/slack/events", slack, methods=["POST"]))
    return Starlette(routes=[*routes, *webhooks])
