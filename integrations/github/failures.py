"""What GitHub means by an answer that is not what was asked for (G2, G3, G7, G14, G16)."""

import time
from collections.abc import Iterable
from datetime import timedelta

import msgspec

from bot.domain.errors import HeadMoved, IntegrationError, NotFound, Refused, Unavailable
from integrations.github import wire
from integrations.http import Answer

SYSTEM = "github"
LEAST_PAUSE = timedelta(seconds=60)
"""after a limit that names no time; it doubles when there is another one (G16)"""
LONGEST_PAUSE = timedelta(hours=1)


class NotModified(Refused):
    """304: what was read before is still true; it costs nothing (G16)."""


class BadCredentials(Refused):
    """401: the token is over, or was never good (G15)."""


class LimitWithoutTime(Unavailable):
    """A limit that does not say how long it lasts (G16)."""


class Conflicting(Refused):
    """405, 409 or 422; `status` and the words of `detail` tell which of their meanings (G7, G11)."""

    def __init__(self, system: str, operation: str, detail: str, status: int) -> None:
        super().__init__(system, operation, detail)
        self.args = (system, operation, detail, status)
        self.status = status


def refine(answer: Answer) -> IntegrationError | None:
    """None leaves it to the general rule: 404, 408, 5xx."""
    system, operation, status = answer.system, answer.operation, answer.status
    if status == 304:
        return NotModified(system, operation, "not modified")
    words = f"HTTP {status}: {told(answer.body)}"
    if status in (403, 429) and (limit := limited(answer, words)):
        return limit
    if status == 401:
        detail = f"{words}: check PILOTHOUSE_GITHUB__TOKEN, or the App's key and installation"
        return BadCredentials(system, operation, detail)
    if status in (405, 409, 422):
        return Conflicting(system, operation, words, status)
    return None


def limited(answer: Answer, words: str) -> Unavailable | None:
    """The primary or secondary limit that the answer is; None when it simply says no (G16)."""
    if (pause := asked_pause(answer)) is not None:
        return Unavailable(answer.system, answer.operation, words, pause)
    if answer.status == 429 or "rate limit" in told(answer.body).lower():
        return LimitWithoutTime(answer.system, answer.operation, words, LEAST_PAUSE)
    return None


def asked_pause(answer: Answer) -> timedelta | None:
    """What the headers of a limit ask for; None when they name no time (G16)."""
    after = answer.headers.get("retry-after", "")
    if after.isascii() and after.isdigit():
        return min(timedelta(seconds=int(after[:9])), LONGEST_PAUSE)
    if answer.headers.get("x-ratelimit-remaining") == "0":
        reset = answer.headers.get("x-ratelimit-reset", "")
        seconds = int(reset[:12]) - time.time() if reset.isascii() and reset.isdigit() else 0
        return min(max(timedelta(seconds=seconds), timedelta(seconds=1)), LONGEST_PAUSE)
    return None


def told(body: bytes) -> str:
    """`message` and the codes of `errors`, on one line."""
    try:
        error = msgspec.json.decode(body, type=wire.GitHubErrorBody)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return "no explanation"
    items = (
        item if isinstance(item, str) else f"{item.field} {item.code} {item.message}" for item in error.errors or []
    )
    return " ".join(" ".join((error.message, *items)).split())[:400]


def from_graphql(answer: Answer, errors: Iterable[wire.GraphQLError]) -> IntegrationError:
    """Errors of GraphQL come with HTTP 200; the type decides, not the words (G2, G3)."""
    error = next(iter(errors))
    words = " ".join(error.message.split())[:400]
    match error.type:
        case "STALE_DATA":
            return HeadMoved(SYSTEM, answer.operation, words)
        case "NOT_FOUND":
            return NotFound(SYSTEM, answer.operation, words)
        case "RATE_LIMITED" | "RATE_LIMIT":  # the documentation has the first, the service sends the second
            if (pause := asked_pause(answer)) is not None:
                return Unavailable(SYSTEM, answer.operation, words, pause)
            return LimitWithoutTime(SYSTEM, answer.operation, words, LEAST_PAUSE)
    return Refused(SYSTEM, answer.operation, f"{error.type}: {words}" if error.type else words)


def limited_graphql(answer: Answer) -> Unavailable | None:
    """The limit that an answer with HTTP 200 tells of (G3)."""
    errors = answer.decode(wire.GraphQLAnswer).errors
    failure = from_graphql(answer, errors) if errors else None
    return failure if isinstance(failure, Unavailable) else None
