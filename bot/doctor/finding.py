"""A check, and what it found."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.errors import Unavailable


class CheckOutcome(StrEnum):
    GOOD = "good"
    WARNING = "warning"
    """it works, and may not be what was meant"""
    WRONG = "wrong"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """`detail` says what was seen; `fix` is one sentence, and only there when something is wrong."""

    system: str
    subject: str
    outcome: CheckOutcome
    detail: str = ""
    fix: str = ""


class Wrong(Exception):
    """The check failed; `fix` "" is the check's usual one."""

    outcome = CheckOutcome.WRONG

    def __init__(self, detail: str, fix: str = "") -> None:
        super().__init__(detail, fix)
        self.detail = detail
        self.fix = fix


class Doubtful(Wrong):
    """It may be meant: people hear of it, and all is well."""

    outcome = CheckOutcome.WARNING


class Skipped(Exception):
    """There is nothing to check, or no way to."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@contextmanager
def once_reached(system: str, fix: str = "") -> Iterator[None]:
    """Where the system does not answer at all, that is what is to be fixed, and not the credential."""
    try:
        yield
    except Unavailable as error:
        raise Wrong(str(error), fix or f"Make {system} reachable first.") from error


@dataclass(frozen=True)
class Check:
    """`look` answers what is good, or raises Wrong, Skipped, or what a client raises; `fix` is for the latter."""

    system: str
    subject: str
    look: Callable[[], Awaitable[str]]
    fix: str
