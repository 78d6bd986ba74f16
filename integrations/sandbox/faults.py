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
    multi_platform: the next images that are pushed are indexes of two platforms.
    failing_platform: the platform ("linux/arm64") whose scans fail from now on, or "".
    scanner_away: Harbor's scanner does not answer.
    harbor_read_only: Harbor is in read-only mode.
    harbor_denies: permissions ("scan:create") that no robot account has.
    harbor_policy: settings laid over those of every project: {"prevent_vul": "true", "severity": "high"}.
    admission_refuses: images ("harbor.example.com/apps/my-app:v1.4.2") that the cluster's admission policy denies.
    hook_fails: images with which the sync's PreSync hook, a Job that migrates the database, fails.
    pull_fails: images that no node can pull, unless they have run before.
    foreign_sync: the applications that somebody else syncs, for as long as they are named here.
    never_converges: the applications with a Service that another controller changes after every sync.
    repo_server_away: Argo CD's repo-server does not answer, so nothing can be compared with git.
    webhooks_lost: Argo CD is not told of pushes; it sees them at its next poll, or when it is asked to look.
    weather: how each system answers; "slow" adds seconds, "down" drops the connection. One method of Slack may have a
        weather of its own: "slack:chat.postMessage".
    """

    failing_step: str = ""
    critical_cve: bool = False
    unhealthy_rollout: tuple[str, ...] = ()
    multi_platform: bool = False
    failing_platform: str = ""
    scanner_away: bool = False
    harbor_read_only: bool = False
    harbor_denies: tuple[str, ...] = ()
    harbor_policy: dict[str, str] = field(default_factory=dict)
    admission_refuses: tuple[str, ...] = ()
    hook_fails: tuple[str, ...] = ()
    pull_fails: tuple[str, ...] = ()
    foreign_sync: tuple[str, ...] = ()
    never_converges: tuple[str, ...] = ()
    repo_server_away: bool = False
    webhooks_lost: bool = False
    weather: dict[str, Weather] = field(default_factory=lambda: dict.fromkeys(SYSTEMS, "fine"))


_APPLICATIONS = "a list of Argo CD application names"
_IMAGES = "a list of images such as harbor.example.com/apps/my-app:v1.4.2"
LISTS = {
    "unhealthy_rollout": _APPLICATIONS,
    "foreign_sync": _APPLICATIONS,
    "never_converges": _APPLICATIONS,
    "admission_refuses": _IMAGES,
    "hook_fails": _IMAGES,
    "pull_fails": _IMAGES,
    "harbor_denies": "a list of permissions such as scan:create",
}
TEXTS = {"failing_step": "the name of a pipeline task", "failing_platform": "a platform such as linux/arm64"}
SWITCHES = (
    "critical_cve",
    "multi_platform",
    "scanner_away",
    "harbor_read_only",
    "repo_server_away",
    "webhooks_lost",
)


def listed(name: str, value: object, expected: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        raise ValueError(f"{name}: expected {expected}")
    return tuple(value)


class FaultSettings:
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
                named, _, method = str(system).partition(":")
                known_place = named in SYSTEMS and (system == named or (named == "slack" and method))
                if not known_place or state not in get_args(Weather):
                    raise ValueError(
                        f"weather: {system!r}: {state!r} is not known: expected one of {', '.join(SYSTEMS)}, "
                        f"or a method such as slack:chat.postMessage, with one of {', '.join(get_args(Weather))}"
                    )
            both = {**self.now.weather, **weather}
            merged["weather"] = {place: state for place, state in both.items() if place in SYSTEMS or state != "fine"}
        for name, expected in LISTS.items():
            if name in merged:
                merged[name] = listed(name, merged[name], expected)
        for name, expected in TEXTS.items():
            if not isinstance(merged.get(name, ""), str):
                raise ValueError(f"{name}: expected {expected}, or an empty string")
        for name in SWITCHES:
            if not isinstance(merged.get(name, False), bool):
                raise ValueError(f"{name}: expected true or false")
        policy = merged.get("harbor_policy", {})
        if not isinstance(policy, dict) or not all(isinstance(t, str) for pair in policy.items() for t in pair):
            raise ValueError('harbor_policy: expected texts such as {"prevent_vul": "true", "severity": "high"}')
        self.now = replace(self.now, **merged)
        return self.now

    def as_json(self) -> dict[str, Any]:
        return asdict(self.now)


class WeatherMiddleware:
    """Makes one system's server answer as the faults that are set say."""

    def __init__(self, app: ASGIApp, settings: FaultSettings, system: System) -> None:
        self.app = app
        self.settings = settings
        self.system = system

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        now = self.settings.now.weather
        method = str(scope.get("path", "")).rpartition("/")[2]
        weather = now.get(f"{self.system}:{method}", now[self.system])
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
