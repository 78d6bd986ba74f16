"""A workspace's people in memory."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bot.domain import identity
from bot.domain.caller import Caller, Person, UserGroup
from bot.domain.errors import IntegrationError, NotFound

TEAM = "T0PILOT"
PEOPLE = {"U0ANA": "ana", "U0BO": "bo", "U0MIA": "mia", "U0CY": "cy", "U0DEE": "dee", "U0GUS": "gus"}
GROUPS = {
    ("S0ENG", "engineers"): ("U0ANA",),
    ("S0RELEASE", "release-managers"): ("U0BO", "U0MIA"),
    ("S0ADMIN", "platform-admins"): ("U0DEE",),
}


class FakeDirectory:
    """`people` carry no groups: membership is in `groups` alone, keyed by (id, handle). `down` is raised while set."""

    def __init__(
        self, people: Iterable[Caller] = (), groups: Mapping[tuple[str, str], Iterable[str]] | None = None
    ) -> None:
        self.people = {person.id: person for person in people}
        self.groups = {names: frozenset(users) for names, users in (groups or {}).items()}
        self.down: IntegrationError | None = None

    @classmethod
    def seeded(cls) -> "FakeDirectory":
        """The workspace that the sandbox starts with: ana, bo, mia, cy, dee, and gus who is a guest."""
        people = [Caller(Person(id, name, f"{name}@example.com"), TEAM) for id, name in PEOPLE.items()]
        people = [replace(person, guest=person.person.name == "gus") for person in people]
        return cls(people, GROUPS)

    async def caller(self, user: str, team: str = "") -> Caller:
        self._answer()
        if user not in self.people:
            raise NotFound("Slack", "users.info", f"user_not_found: {user}")
        known = self.people[user]
        mine = (names for names, users in self.groups.items() if user in users)
        foreign = known.foreign or bool(team and team != known.team)
        return replace(known, groups=frozenset(name for names in mine for name in names), foreign=foreign)

    async def group(self, name: str) -> UserGroup:
        self._answer()
        for (id, handle), users in self.groups.items():
            if name.removeprefix("@") in (id, handle):
                return UserGroup(id, handle, users)
        raise NotFound("Slack", "usergroups.list", f"no such user group: {name}")

    async def members(self, group: str) -> frozenset[str]:
        return (await self.group(group)).members

    async def by_email(self, email: str) -> Caller:
        self._answer()
        for person in self.people.values():
            if identity.same_address(person.person.email, email):
                return await self.caller(person.id)
        raise NotFound("Slack", "users.lookupByEmail", f"users_not_found: {email}")

    def _answer(self) -> None:
        if self.down is not None:
            raise self.down
