"""The HTTP port: is it alive, is it ready, its metrics, Slack's requests in HTTP mode, and webhooks."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

log = structlog.get_logger(__name__)

READY_SECONDS = 3.0
"""for everything that readiness asks; the probe itself has more patience"""

Handler = Callable[[Request], Awaitable[Response]]


class Alive(Protocol):
    def __call__(self) -> Mapping[str, bool]:
        """What runs in this process, by name. Nothing outside is asked: a restart would not bring that back."""
        ...


class Readiness(Protocol):
    async def __call__(self) -> Mapping[str, bool]:
        """What must be true before work is sent here, by name."""
        ...


def web(
    alive: Alive,
    ready: Readiness,
    metrics: CollectorRegistry,
    refresh: Callable[[], Awaitable[None]],
    slack: Handler | None,
    webhooks: Iterable[BaseRoute],
    observed: Alive = dict,
) -> Starlette:
    """The application. `refresh` brings gauges up to date; `slack` answers Slack's requests, None in Socket Mode.

    `observed` is shown by the readiness probe and does not decide it: without Argo CD or Tekton there is work all the
    same.
    """

    async def livez(_request: Request) -> Response:
        # A stuck event loop does not get here at all: the probe times out, which is the answer.
        return _told(alive())

    async def readyz(_request: Request) -> Response:
        return _told(await ready(), observed())

    async def scrape(_request: Request) -> Response:
        await refresh()
        return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)

    routes: list[BaseRoute] = [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", scrape)]
    if slack:
        routes.append(Route("/slack/events", slack, methods=["POST"]))
    return Starlette(routes=[*routes, *webhooks])


def _told(parts: Mapping[str, bool], shown: Mapping[str, bool] = MappingProxyType({})) -> Response:
    return JSONResponse({**parts, **shown}, 200 if all(parts.values()) else 503)


async def within(seconds: float, question: Awaitable[bool]) -> bool:
    """Its answer; False when none comes in time, or an error does: what cannot be asked is away."""
    asked = asyncio.ensure_future(question)
    await asyncio.wait((asked,), timeout=seconds)
    if not asked.done():
        asked.cancel()  # and not waited for: a driver may take longer to give up than a probe has
        asked.add_done_callback(lambda late: late.cancelled() or late.exception())
        return False
    if error := asked.exception():
        log.debug("probe.no_answer", error=repr(error))
        return False
    return asked.result()
