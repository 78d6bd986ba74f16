"""The people of the workspace."""

from collections.abc import Mapping
from typing import Protocol

from bot.domain.caller import Caller, UserGroup


class HandlePins(Protocol):
    async def first(self, seen: Mapping[str, str]) -> Mapping[str, str]:
        """Handle → the id of the group that had it first. `seen`: handle → id, noted where nobody had it before.

        Raises DatabaseAway.
        """


class Directory(Protocol):
    """People, as the workspace knows them now (at most 60 s old)."""

    async def caller(self, user: str, team: str = "") -> Caller:
        """Raises NotFound for an unknown user."""

    async def group(self, name: str) -> UserGroup:
        """A user group, named by id or @handle. Raises NotFound."""

    async def members(self, group: str) -> frozenset[str]:
        """User ids in a user group, named by id or @handle. Raises NotFound."""

    async def by_email(self, email: str) -> Caller:
        """Raises NotFound."""
