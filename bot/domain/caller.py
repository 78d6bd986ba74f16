"""Who asks, and what they may."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Permission(StrEnum):
    """What a role can allow. `policy.yaml` and error sentences use these words."""

    VIEW = "view"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    SYNC = "sync"
    APPROVE = "approve"
    RUN_PIPELINE = "run-pipeline"
    LOCK = "lock"
    FREEZE = "freeze"
    SUBSCRIBE = "subscribe"
    REJECT_IMAGE = "reject-image"
    BREAK_GLASS = "break-glass"
    ADMINISTER = "administer"


@dataclass(frozen=True)
class Person:
    """A human as far as messages and commits go. `id` is the Slack user id; names are for display only."""

    id: str
    name: str
    email: str = ""


PILOTHOUSE = Person("", "Pilothouse")
"""Whoever policy lets act without a person: automatic rollbacks and their locks."""


@dataclass(frozen=True)
class Caller:
    """A Slack account as the workspace knows it now: the identity that permissions hang on.

    `groups` holds the ids and the @handles of the user groups that the account is in.
    """

    person: Person
    team: str
    groups: frozenset[str] = field(default_factory=frozenset)
    active: bool = True
    guest: bool = False
    bot: bool = False
    foreign: bool = False
    """of another workspace than the bot's"""
    timezone: str = ""
    """name of the person's time zone, "" when it is not known"""

    @property
    def id(self) -> str:
        return self.person.id


@dataclass(frozen=True)
class UserGroup:
    """A user group of the workspace. `handle` is "" where it does not stand for this group alone; `members` are ids."""

    id: str
    handle: str
    members: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Target:
    """What a permission is asked for: "" means "whatever the app" or "whatever the environment"."""

    app: str = ""
    environment: str = ""


def common(targets: Iterable[Target]) -> Target:
    """The app and the environment that all of them name, each "" where they differ."""
    named = tuple(targets)
    apps, environments = {one.app for one in named}, {one.environment for one in named}
    return Target(apps.pop() if len(apps) == 1 else "", environments.pop() if len(environments) == 1 else "")
