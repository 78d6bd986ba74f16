"""Who answers to the names of a policy? Asks the workspace's directory."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.domain import identity
from bot.domain.caller import Person, UserGroup
from bot.domain.errors import IntegrationError, NotFound
from bot.policy import Policy, Roster
from bot.ports import Directory

AT_ONCE = 8
"""questions that are on their way together: Slack counts them by the minute"""


class Lookup:
    """One round of questions. What Slack does not answer now keeps what was known of it `before`."""

    def __init__(self, directory: Directory, before: Roster) -> None:
        self._directory = directory
        self._before = before
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._groups: dict[str, UserGroup] = {}
        self._people: dict[str, Person] = {}
        self._missing: set[str] = set()
        self.errors: list[IntegrationError] = []

    async def ask(self, policy: Policy) -> Roster:
        """`errors` says afterwards what was not answered."""
        groups = {name for binding in policy.bindings for name in binding.groups}
        users = {name for binding in policy.bindings for name in binding.users}
        emails = {name for binding in policy.bindings for name in binding.emails}
        await asyncio.gather(
            *(self._one(name, self._group) for name in groups),
            *(self._one(name, self._user) for name in users),
            *(self._one(name, self._email) for name in emails),
        )
        return Roster(self._groups, self._people, frozenset(self._missing))

    async def _one(self, name: str, ask: Callable[[str], Awaitable[None]]) -> None:
        try:
            async with self._turn:
                await ask(name)
        except NotFound:
            self._missing.add(name)
        except IntegrationError as error:
            self.errors.append(error)
            self._keep(name)

    async def _group(self, name: str) -> None:
        self._groups[identity.group(name)] = await self._directory.group(name)

    async def _user(self, name: str) -> None:
        caller = await self._directory.caller(name)
        if not caller.active:
            self._missing.add(name)
        self._people[name] = caller.person

    async def _email(self, name: str) -> None:
        caller = await self._directory.by_email(name)
        if not caller.active:
            self._missing.add(name)
        self._people[identity.address(name)] = caller.person

    def _keep(self, name: str) -> None:
        before, group, address = self._before, identity.group(name), identity.address(name)
        if name in before.missing:
            self._missing.add(name)
        if group in before.groups:
            self._groups[group] = before.groups[group]
        for key in (name, address):
            if key in before.people:
                self._people[key] = before.people[key]
