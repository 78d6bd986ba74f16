"""What each system that sends us webhooks must say about itself."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeVar

import msgspec

T = TypeVar("T")
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


class Malformed(ValueError):
    """The sentence says what was expected."""


@dataclass(frozen=True)
class Delivery:
    """`id` is equal when the same is sent again and says nothing new; `facts` is what is kept of it, a plain value."""

    id: str
    facts: object


class Sender(Protocol):
    """Reading needs no network; acting does, and is tried again while what it needs is unavailable."""

    name: str
    setting: str
    """of `WebhookSettings`, which holds the secret"""
    without: str
    """what is missing where it is not set: then everything is refused"""

    def possible(self, headers: Mapping[str, str], secret: str) -> bool:
        """Whether the headers alone do not rule it out. What they rule out has no body that is worth reading."""
        ...

    def authentic(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
        """Whether who sends this knows the secret. Compared in constant time."""
        ...

    def read(self, headers: Mapping[str, str], body: bytes) -> Delivery | None:
        """What is to be worked on; None for what does not concern us. Raises Malformed."""
        ...

    async def act(self, facts: str) -> None:
        """Work on what was read, as it was kept. At least once, so doing it twice must do no harm."""
        ...


def same(shown: str, expected: str) -> bool:
    """In constant time. Headers are latin-1; what is not is no secret of ours."""
    return hmac.compare_digest(shown.encode("latin-1", "replace"), expected.encode())


def decoded(body: bytes, kind: type[T], expected: str) -> T:
    """Raises Malformed; the sentence names the place in the document and shows no value of it."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, ValueError) as error:
        problem = "it is not UTF-8" if isinstance(error, UnicodeError) else str(error)
        raise Malformed(f"expected {expected}: {problem}") from None
    except RecursionError:
        raise Malformed(f"expected {expected}: it is nested too deeply") from None


def moment(said: datetime) -> datetime:
    """In UTC, between 1970 and the year 9999; without an offset it is UTC.

    What is earlier or later is no time at which something happened; but a message counts whatever its clock says.
    """
    whole = said if said.tzinfo else said.replace(tzinfo=UTC)
    try:
        return min(max(whole.astimezone(UTC), EARLIEST), LATEST)
    except OverflowError:  # an offset that leads out of the calendar
        return EARLIEST if said.year < 1970 else LATEST


def moment_of(seconds: int | str) -> datetime | None:
    """Of whole seconds since the epoch; None for what is no time."""
    if isinstance(seconds, str) or not 0 < seconds < LATEST.timestamp():
        return None
    return datetime.fromtimestamp(seconds, UTC)
