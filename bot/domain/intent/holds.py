"""Locks, freezes and rejected images."""

from dataclasses import dataclass

from bot.domain.intent.base import Intent


@dataclass(frozen=True, kw_only=True)
class TakeLock(Intent):
    """`app` "" = every app there; `until` "" = until it is released."""

    app: str
    environment: str
    until: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class StealLock(TakeLock):
    """Take it from whoever has held it since `since` (ISO 8601)."""

    since: str


@dataclass(frozen=True, kw_only=True)
class ReleaseLock(Intent):
    app: str
    environment: str


@dataclass(frozen=True, kw_only=True)
class BreakLock(ReleaseLock):
    """Release somebody else's lock, which they have held since `since` (ISO 8601)."""

    since: str


@dataclass(frozen=True, kw_only=True)
class AwaitLock(Intent):
    """Tell the asker when it is free."""

    app: str
    environment: str


@dataclass(frozen=True, kw_only=True)
class ShowHolds(Intent):
    """What is locked and frozen now."""


@dataclass(frozen=True, kw_only=True)
class CallFreeze(Intent):
    """`app` "" = every app but the exempt ones."""

    app: str
    environment: str
    until: str
    reason: str = ""
    exempt_apps: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EndFreeze(Intent):
    app: str
    environment: str


@dataclass(frozen=True, kw_only=True)
class RejectImage(Intent):
    """`image` is a tag or a digest."""

    app: str
    image: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ClearImage(Intent):
    app: str
    image: str
