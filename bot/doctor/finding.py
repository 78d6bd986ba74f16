"""A check, and what it found."""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.errors import IntegrationError, Unavailable

JARGON = re.compile(r"\[Errno -?\d+\] |: [A-Z]\w+(Error|Exception)\b|\(fatal: .*\)| \([A-Z]\d+\)")
"""What clients say for the log: numbers and classes of errors, git's own words, wire facts."""
UNREADABLE = "Mount the secret's file where its setting ending in _FILE says, readable by the bot."


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
        own = UNREADABLE if "credential's file" in error.detail else fix
        raise Wrong(said(error), own or f"Make {system} reachable first.") from error


def said(error: Exception) -> str:
    """For people, beside the name of the system."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename} cannot be used: {error.strerror}" if error.filename else error.strerror
    return JARGON.sub("", error.detail if isinstance(error, IntegrationError) else str(error)).strip()


@dataclass(frozen=True)
class Check:
    """`look` answers what is good, or raises Wrong, Skipped, or what a client raises; `fix` is for the latter."""

    system: str
    subject: str
    look: Callable[[], Awaitable[str]]
    fix: str
