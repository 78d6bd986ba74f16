"""What is answered about locks, freezes, history and permissions."""

from dataclasses import dataclass

from bot.domain.caller import Caller, Permission
from bot.domain.promotion import Promotion
from bot.domain.reply import Reply
from bot.domain.safety import Delegation, Freeze, Lock, Rejection, Review


@dataclass(frozen=True)
class LockTaken(Reply):
    """`stolen_from` is the lock that it replaces, if somebody else held it."""

    lock: Lock
    stolen_from: Lock | None = None


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
    """What holds promotions back now, by people's words."""

    locks: tuple[Lock, ...]
    freezes: tuple[Freeze, ...]
    rejections: tuple[Rejection, ...]
    reviews: tuple[Review, ...] = ()


@dataclass(frozen=True)
class FreezeCalled(Reply):
    freeze: Freeze


@dataclass(frozen=True)
class ImageRejected(Reply):
    """`runs_in`: the environments whose overlays pin it now."""

    rejections: tuple[Rejection, ...]
    runs_in: tuple[str, ...] = ()


@dataclass(frozen=True)
class History(Reply):
    """Newest first."""

    app: str
    environment: str
    promotions: tuple[Promotion, ...]


@dataclass(frozen=True)
class Delegated(Reply):
    delegation: Delegation


@dataclass(frozen=True)
class Grant:
    """A binding of policy that holds for somebody."""

    role: str
    apps: tuple[str, ...]
    environments: tuple[str, ...]
    permissions: tuple[Permission, ...]


@dataclass(frozen=True)
class Identity(Reply):
    """Who the asker is to Pilothouse; `delegations`: who lends them their voice."""

    caller: Caller
    grants: tuple[Grant, ...]
    delegations: tuple[Delegation, ...] = ()


@dataclass(frozen=True)
class Ability:
    """`roles` give the permission, or `who_could` names who has it."""

    permission: Permission
    roles: tuple[str, ...]
    who_could: str = ""


@dataclass(frozen=True)
class Abilities(Reply):
    app: str
    environment: str
    abilities: tuple[Ability, ...]
