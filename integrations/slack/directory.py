"""People and user groups of a Slack workspace. Fails closed: what cannot be asked is an error, never a guess."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

import structlog

from bot.domain import identity
from bot.domain.caller import Caller, Person, UserGroup
from bot.domain.errors import DatabaseAway, NotFound, Refused
from bot.ports import HandlePins
from integrations.slack.api import Json, SlackApi
from integrations.slack.failures import SYSTEM

log = structlog.get_logger()
FRESH_SECONDS = 60.0
REMEMBERED = 10_000
T = TypeVar("T")


class TimedCache(Generic[T]):
    """Answers at most `seconds` old, each asked for once however many want it. Errors are not remembered."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._found: dict[str, tuple[float, T]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            found = self._found.get(key)
            # The age counts from before the question: an answer may be as old as that.
            asked = self._clock()
            if found is not None and asked - found[0] < self._seconds:
                return found[1]
            if len(self._found) >= REMEMBERED:
                self._forget()
            value = await ask()
            self._found[key] = (asked, value)
            return value

    def _forget(self) -> None:
        self._found.clear()
        self._locks = {key: lock for key, lock in self._locks.items() if lock.locked()}


class SlackDirectory:
    """Implements the Directory port. Nothing that it says is older than `fresh` seconds (at most 60)."""

    def __init__(
        self,
        api: SlackApi,
        *,
        fresh: float = FRESH_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        pins: HandlePins | None = None,
    ) -> None:
        fresh = min(fresh, FRESH_SECONDS)
        self._api = api
        self._team = ""
        self._pins = pins
        self._first: dict[str, str] = {}
        """handle → the id of the first group that had it"""
        self._users: TimedCache[Json] = TimedCache(fresh, clock)
        self._groups: TimedCache[dict[str, Json]] = TimedCache(fresh, clock)
        self._members: TimedCache[frozenset[str]] = TimedCache(fresh, clock)

    async def caller(self, user: str, team: str = "") -> Caller:
        found, memberships, own = await asyncio.gather(
            self._users.get(user, lambda: self._user("users.info", user=user)),
            self._memberships(user),
            self._own_team(),
        )
        return person(found, memberships, own, team)

    async def group(self, name: str) -> UserGroup:
        wanted = identity.group(name)
        groups = await self._all_groups()
        handles = await self._handles(groups)
        for id, found in groups.items():
            if wanted in (id, f"@{handles[id]}"):
                return UserGroup(id, handles[id], await self._users_of(id, found))
        raise NotFound(SYSTEM, "usergroups.list", f"there is no user group {name}")

    async def members(self, group: str) -> frozenset[str]:
        return (await self.group(group)).members

    async def by_email(self, email: str) -> Caller:
        found = await self._users.get(f"mailto:{email}", lambda: self._user("users.lookupByEmail", email=email))
        named = person(found, await self._memberships(str(found["id"])), await self._own_team(), "")
        if not identity.same_address(named.person.email, email):
            raise NotFound(SYSTEM, "users.lookupByEmail", f"users_not_found: nobody has exactly the address {email}")
        return named

    async def _user(self, method: str, **arguments: str) -> Json:
        found = (await self._api.read(method, **arguments)).get("user")
        if not isinstance(found, Mapping) or not isinstance(found.get("id"), str):
            raise Refused(SYSTEM, method, "the answer names no user")
        return found

    async def _memberships(self, user: str) -> frozenset[str]:
        """Ids and handles of the groups that a user is in (S7)."""
        groups = await self._all_groups()
        members = await asyncio.gather(*(self._users_of(id, found) for id, found in groups.items()))
        handles = await self._handles(groups)
        mine = [(id, handles[id]) for id, users in zip(groups, members, strict=True) if user in users]
        return frozenset(name for names in mine for name in names if name)

    async def _handles(self, groups: Mapping[str, Json]) -> dict[str, str]:
        """Id → the handle that stands for the group; "" where it does not.

        A handle goes with the id that it was first seen with, by any replica and at any time: another group that takes
        it over inherits nothing. Policy can always name a group by its id.
        """
        told = {id: identity.handle_of(found.get("handle")) for id, found in groups.items()}
        often = Counter(told.values())
        await self._pin({handle: id for id, handle in told.items() if handle and often[handle] == 1})
        for id, handle in told.items():
            if often[handle] == 1 and self._first.get(handle, id) != id:
                log.warning("slack.handle_taken_over", handle=handle, group=id, was=self._first[handle])
        return {id: h if often[h] == 1 and self._first.get(h) == id else "" for id, h in told.items()}

    async def _pin(self, seen: Mapping[str, str]) -> None:
        """What nobody can note down now stands for no group: it is asked again."""
        new = {handle: id for handle, id in seen.items() if handle not in self._first}
        try:
            self._first |= await self._pins.first(new) if self._pins and new else new
        except DatabaseAway:
            return

    async def _all_groups(self) -> dict[str, Json]:
        async def ask() -> dict[str, Json]:
            answer = await self._api.read("usergroups.list", include_users=True)
            groups = answer.get("usergroups")
            if not isinstance(groups, list):
                raise Refused(SYSTEM, "usergroups.list", "the answer holds no list of user groups")
            return {str(group["id"]): group for group in groups if isinstance(group, Mapping) and group.get("id")}

        return await self._groups.get("", ask)

    async def _users_of(self, id: str, group: Json) -> frozenset[str]:
        """Slack lists the members with the groups when asked to; where it does not, they are asked for (S7)."""
        if isinstance(group.get("users"), list):
            return frozenset(str(user) for user in group["users"])

        async def ask() -> frozenset[str]:
            users = (await self._api.read("usergroups.users.list", usergroup=id)).get("users")
            if not isinstance(users, list):
                raise Refused(SYSTEM, "usergroups.users.list", "the answer holds no list of users")
            return frozenset(str(user) for user in users)

        return await self._members.get(id, ask)

    async def _own_team(self) -> str:
        if not self._team:
            self._team = str((await self._api.read("auth.test")).get("team_id") or "")
        return self._team


def person(user: Json, groups: frozenset[str], own_team: str, said_team: str) -> Caller:
    """A user object as the domain sees it. Identity is the id; names are for display (S8)."""
    profile: Mapping[str, Any] = user["profile"] if isinstance(user.get("profile"), Mapping) else {}
    name = profile.get("real_name") or user.get("real_name") or user.get("name") or user["id"]
    return Caller(
        Person(str(user["id"]), str(name), _email(user, profile)),
        team=str(user.get("team_id") or said_team),
        groups=groups,
        active=not user.get("deleted"),
        guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        bot=bool(user.get("is_bot") or user.get("is_workflow_bot") or user["id"] == "USLACKBOT"),
        foreign=_is_foreign(user, own_team, said_team),
        timezone=str(user.get("tz") or ""),
    )


def _email(user: Json, profile: Mapping[str, Any]) -> str:
    """ "" for one that its owner has not confirmed: anybody may claim it, and policy binds roles to addresses (S8)."""
    return "" if user.get("is_email_confirmed") is False else str(profile.get("email") or "")


def _is_foreign(user: Json, own_team: str, said_team: str) -> bool:
    """Of another workspace than the bot's; in an Enterprise Grid a person is of all the workspaces listed."""
    grid = user.get("enterprise_user")
    teams = grid.get("teams") if isinstance(grid, Mapping) else None
    at_home = {str(team) for team in teams} if isinstance(teams, list) else set()
    at_home.add(str(user.get("team_id") or ""))
    at_home.discard("")
    return bool(user.get("is_stranger")) or own_team not in at_home or said_team not in {"", *at_home}
