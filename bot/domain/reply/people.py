"""What somebody hears of, may do, and in whose place."""

from dataclasses import dataclass

from bot.domain.caller import Caller, Permission
from bot.domain.reply.base import Reply
from bot.domain.safety import Delegation
from bot.domain.subscription import NewsMute, Subscription


@dataclass(frozen=True)
class Subscribed(Reply):
    """What the asker and the channel hear of beside what policy says, and what not for a while.

    `sentence` says what has just been changed; "" for nothing. `channel` "" where there is none.
    """

    sentence: str
    mine: tuple[Subscription, ...]
    muted: tuple[NewsMute, ...]
    channel: str = ""
    its: tuple[Subscription, ...] = ()
    its_muted: tuple[NewsMute, ...] = ()


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
    helpers: str = ""
    """who can give them a role, with live mentions; "" where nobody is bound to that"""


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
