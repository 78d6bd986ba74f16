"""The alerts contract on the fake and, over a socket, on the client."""

import re
from collections.abc import AsyncIterator
from typing import Protocol

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.domain.errors import Unavailable
from bot.ports import Alerts
from bot.settings import AlertmanagerSettings
from integrations.alertmanager import Alertmanager
from integrations.http import HttpPolicy
from integrations.sandbox.serving import serve
from tests.fakes.alerts import MemoryAlerts

MATCHER = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class World(Protocol):
    @property
    def alerts(self) -> Alerts: ...

    def fire(self, name: str, summary: str, **labels: str) -> None: ...

    def break_down(self) -> None: ...


class MemoryWorld:
    def __init__(self) -> None:
        self.alerts = MemoryAlerts()

    def fire(self, name: str, summary: str, **labels: str) -> None:
        self.alerts.fire(name, summary, **labels)

    def break_down(self) -> None:
        self.alerts.failing = Unavailable("Alertmanager", "list alerts", "no connection")


class SocketWorld:
    """An Alertmanager that filters by equality matchers, which are all that is sent."""

    def __init__(self) -> None:
        self.alerts: Alerts
        self.firing: list[dict[str, object]] = []
        self.down = False
        self.app = Starlette(routes=[Route("/api/v2/alerts", self._answer)])

    def fire(self, name: str, summary: str, **labels: str) -> None:
        self.firing.append({"labels": {"alertname": name, **labels}, "annotations": {"summary": summary}})

    def break_down(self) -> None:
        self.down = True

    async def _answer(self, request: Request) -> Response:
        if self.down:
            return Response(status_code=503)
        wanted = []
        for text in request.query_params.getlist("filter"):
            found = MATCHER.fullmatch(text)
            if not found:
                return JSONResponse(f"bad matcher format: {text}", 400)
            wanted.append((found[1], found[2].replace('\\"', '"').replace("\\\\", "\\")))
        fits = [a for a in self.firing if all(dict(a["labels"]).get(k) == v for k, v in wanted)]  # type: ignore[call-overload]
        return JSONResponse(fits)


class AlertsContract:
    async def test_only_alerts_with_all_of_the_labels(self, world: World) -> None:
        world.fire("HighErrorRate", "5 % of requests fail", app="my-app", environment="production")
        world.fire("HighErrorRate", "", app="my-app", environment="staging")
        world.fire("DiskFull", "", app="storefront", environment="production")
        (found,) = await world.alerts.firing({"app": "my-app", "environment": "production"})
        assert (found.name, found.summary) == ("HighErrorRate", "5 % of requests fail")
        assert found.labels["environment"] == "production"
        assert len(await world.alerts.firing({})) == 3

    async def test_nothing_fires(self, world: World) -> None:
        assert await world.alerts.firing({"app": "my-app"}) == ()

    @pytest.mark.parametrize("value", ['say "hi"', "back\\slash", "a=b,c"])
    async def test_values_with_signs_of_their_own(self, world: World, value: str) -> None:
        world.fire("A", "", app=value)
        world.fire("B", "", app="other")
        assert [alert.name for alert in await world.alerts.firing({"app": value})] == ["A"]

    async def test_an_alertmanager_that_is_down_is_unavailable(self, world: World) -> None:
        world.break_down()
        with pytest.raises(Unavailable):
            await world.alerts.firing({})


class TestFake(AlertsContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryWorld()


class TestClient(AlertsContract):
    @pytest.fixture
    async def world(self) -> AsyncIterator[SocketWorld]:
        world = SocketWorld()
        async with (
            serve(world.app) as url,
            Alertmanager(AlertmanagerSettings(url=url), HttpPolicy(attempts=1)) as alertmanager,
        ):
            world.alerts = alertmanager
            yield world
