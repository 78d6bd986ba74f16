"""The registry's token dance, for who has no robot account or whose basic credentials are not taken directly (H24)."""

import re
from collections.abc import Generator, Iterable

import httpx

from bot.domain.errors import Advice, Refused
from integrations.http import Answer, Basic

PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class RegistryAuth(Basic):
    """Basic credentials, where there are some and the request does not bring a token of its own."""

    token = ""
    """the last that was given out, so that no error repeats it"""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if "Authorization" in request.headers:
            yield request
        else:
            yield from super().auth_flow(request)

    def secrets(self) -> Iterable[str]:
        return (*super().secrets(), self.token)


class Challenged(Refused):
    """The registry wants a token from `realm` for `query`, instead of what was sent."""

    def __init__(self, system: str, operation: str, detail: str, realm: str, query: dict[str, str]) -> None:
        super().__init__(system, operation, detail)
        self.args = (system, operation, detail, realm, query)
        self.realm = realm
        self.query = query
        self.advice = Advice(
            "The registry does not let this account read the image.",
            "Check its name and password, and give it the permission repository:pull.",
        )


def challenge(answer: Answer) -> Challenged | None:
    """The Bearer challenge in a 401, if there is one."""
    given: str = answer.headers.get("www-authenticate", "")
    if given[:7].lower() != "bearer ":
        return None
    asked = {str(name): str(value) for name, value in PARAMETER.findall(given)}
    query: dict[str, str] = {name: asked[name] for name in ("service", "scope") if name in asked}
    detail = "not logged in, or the credentials are not accepted (HTTP 401)"
    return Challenged(answer.system, answer.operation, detail, asked.get("realm", ""), query)


def same_origin(one: str, other: str) -> bool:
    try:
        a, b = httpx.URL(one), httpx.URL(other)
    except httpx.InvalidURL:
        return False
    return (a.scheme, a.host, a.port) == (b.scheme, b.host, b.port)
