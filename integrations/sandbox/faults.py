"""Faults that a person or a test switches on in the sandbox's world."""

import asyncio
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

System = Literal["slack", "argocd", "harbor", "kubernetes", "git", "github"]
Weather = Literal["fine", "down", "slow", "error-500", "error-429"]

SYSTEMS: tuple[System, ...] = get_args(System)


@dataclass(frozen=True)
class Faults:
    """What is wrong with the world at this moment; the default is nothing.

    failing_step: the pipeline task ("fetch-source" | "run-tests" | "build-push") that the next runs fail at, or "".
    critical_cve: the next images to be scanned have a fixable critical vulnerability.
    unhealthy_rollout: the applications ("my-app-production") that turn Degraded after their next sync.
    weather: how each system answers; "slow" adds seconds, "down" drops the connection.
    """

    failing_step: str = ""
    critical_cve: bool = False
    unhealthy_rollout: tuple[str, ...] = ()
    weather: dict[str, Weather] = field(default_factory=lambda: dict.fromkeys(SYSTEMS, "fine"))


class FaultBoard:
    """The one place where faults are read and set."""

    def __init__(self) -> None:
        self.now = Faults()

    def set(self, changes: dict[str, Any]) -> Faults:
        """Merge `changes` into the present faults. Raises ValueError, naming the field, for what is not a fault."""
        known = {f.name for f in fields(Faults)}
        if unknown := set(changes) - known:
            raise ValueError(f"unknown fault {', '.join(sorted(unknown))}: expected one of {', '.join(sorted(known))}")
        merged = dict(changes)
        if "weather" in merged:
            weather = merged["weather"]
            if not isinstance(weather, dict):
                raise ValueError('weather: expected an object such as {"harbor": "down"}')
            for system, state in weather.items():
                if system not in SYSTEMS or state not in get_args(Weather):
                    raise ValueError(
                        f"weather: {system!r}: {state!r} is not known: expected one of {', '.join(SYSTEMS)} "
                        f"with one of {', '.join(get_args(Weather))}"
                    )
            merged["weather"] = {**self.now.weather, **weather}
        if "unhealthy_rollout" in merged:
            names = merged["unhealthy_rollout"]
            if not isinstance(names, list | tuple) or not all(isinstance(n, str) for n in names):
                raise ValueError("unhealthy_rollout: expected a list of Argo CD application names")
            merged["unhealthy_rollout"] = tuple(names)
        if not isinstance(merged.get("failing_step", ""), str):
            raise ValueError("failing_step: expected the name of a pipeline task, or an empty string")
        if not isinstance(merged.get("critical_cve", False), bool):
            raise ValueError("critical_cve: expected true or false")
        self.now = replace(self.now, **merged)
        return self.now

    def as_json(self) -> dict[str, Any]:
        return asdict(self.now)


class WeatherMiddleware:
    """Makes one system's server answer as the fault board says."""

    def __init__(self, app: ASGIApp, board: FaultBoard, system: System) -> None:
        self.app = app
        self.board = board
        self.system = system

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        weather = self.board.now.weather[self.system]
        if scope["type"] == "http" and weather != "fine":
            if weather == "down":
                await drop_connection(send)
                return
            if weather == "slow":
                await asyncio.sleep(8)
            else:
                await answer(weather)(scope, receive, send)
                return
        await self.app(scope, receive, send)


async def drop_connection(send: Send) -> None:
    """An answer that breaks off: the server closes the socket because the promised body never comes."""
    await send({"type": "http.response.start", "status": 502, "headers": [(b"content-length", b"1000")]})
    await send({"type": "http.response.body", "body": b"<", "more_body": True})


def answer(weather: Weather) -> Response:
    if weather == "error-429":
        return JSONResponse({"error": "too many requests"}, 429, headers={"Retry-After": "2"})
    return JSONResponse({"error": "internal server error"}, 500)
