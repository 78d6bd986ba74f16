"""Who answers to the names that a policy binds roles to, as the workspace's directory told last.

For sentences, which are written where nobody can wait for Slack, and for pings. Never for permissions: those ask the
directory at the moment of the effect.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bot.domain import identity
from bot.domain.caller import Person, UserGroup
from bot.policy.parts import Binding


@dataclass(frozen=True)
class Roster:
    """Empty until Slack has answered: names then stand as the policy has them."""

    groups: Mapping[str, UserGroup] = field(default_factory=dict)
    """by what `identity.group` makes of the policy's name"""
    people: Mapping[str, Person] = field(default_factory=dict)
    """by user id, and by what `identity.address` makes of an e-mail address"""
    missing: frozenset[str] = frozenset()
    """names, as the policy writes them, to which nobody answers"""

    def mentions(self, binding: Binding) -> list[str]:
        """Everybody in a binding whom Slack can ping, live; what it does not know stays a plain name."""
        groups = [self._group_mention(group) for group in binding.groups]
        return list(filter(None, [*groups, *self._people_of(binding)]))

    def names(self, binding: Binding) -> list[str]:
        """Everybody in a binding, to be read: groups by their handles. Who is not there helps nobody."""
        groups = [self._group_name(group) for group in binding.groups]
        return list(filter(None, [*groups, *self._people_of(binding)]))

    def users(self, bindings: Iterable[Binding]) -> frozenset[str]:
        """The ids of all who are known to be in some bindings."""
        found: set[str] = set()
        for binding in bindings:
            found.update(user for user in binding.users if user not in self.missing)
            addresses = [email for email in binding.emails if email not in self.missing]
            found.update(person.id for email in addresses if (person := self._by_email(email)))
            for group in binding.groups:
                if known := self.groups.get(identity.group(group)):
                    found |= known.members
        return frozenset(found)

    def _people_of(self, binding: Binding) -> list[str]:
        users = [f"<@{user}>" for user in binding.users if user not in self.missing]
        addresses = [email for email in binding.emails if email not in self.missing]
        return [*users, *(f"<@{found.id}>" if (found := self._by_email(email)) else email for email in addresses)]

    def _by_email(self, email: str) -> Person | None:
        return self.people.get(identity.address(email) or email)

    def _group_mention(self, name: str) -> str:
        known = self.groups.get(identity.group(name))
        return _live(known.id) if known else self._unknown(name)

    def _group_name(self, name: str) -> str:
        known = self.groups.get(identity.group(name))
        if known is None:
            return self._unknown(name)
        if not known.members:
            return ""  # nobody is there to be asked
        return f"@{known.handle}" if known.handle else _live(known.id)

    def _unknown(self, name: str) -> str:
        """Slack itself writes the name of a group that is mentioned by its id."""
        if name in self.missing:
            return ""
        same = identity.group(name)
        return same if same.startswith("@") else _live(same) if same else ""


def _live(group_id: str) -> str:
    return f"<!subteam^{group_id}>"
