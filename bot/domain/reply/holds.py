"""What holds promotions back."""

from dataclasses import dataclass

from bot.domain.reply.base import Reply
from bot.domain.safety import ClosedWindow, Freeze, Lock, Rejection, Review


@dataclass(frozen=True)
class LockTaken(Reply):
    """`stolen_from` is the lock that it replaces, if somebody else held it."""

    lock: Lock
    stolen_from: Lock | None = None
    builds: str = ""
    """what it means for pipelines, where they write by themselves"""


@dataclass(frozen=True)
class LockHeld(Reply):
    """Somebody else holds it. `reason` and `until` (as it was typed) are of the lock that was asked for;
    with `release` it was to be released.
    """

    lock: Lock
    reason: str = ""
    until: str = ""
    release: bool = False


@dataclass(frozen=True)
class Holds(Reply):
    """What holds promotions back now, by people's words and by the policy's windows."""

    locks: tuple[Lock, ...]
    freezes: tuple[Freeze, ...]
    rejections: tuple[Rejection, ...]
    reviews: tuple[Review, ...] = ()
    closed: tuple[ClosedWindow, ...] = ()


@dataclass(frozen=True)
class FreezeCalled(Reply):
    freeze: Freeze
    builds: str = ""
    """what it means for pipelines, where they write by themselves"""
    longer: Freeze | None = None
    """another freeze that holds the place for longer"""


@dataclass(frozen=True)
class ImageRejected(Reply):
    """`runs_in`: the environments whose overlays pin it now."""

    rejections: tuple[Rejection, ...]
    runs_in: tuple[str, ...] = ()
