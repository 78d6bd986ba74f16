"""Which people hear of what: mentioned in a sentence, asked in person, or as the author of a change."""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from bot.domain.caller import Permission, Target
from bot.domain.delivery import News
from bot.domain.errors import IntegrationError
from bot.domain.event import Event
from bot.domain.promotion import Plan, Promotion
from bot.domain.safety import Review
from bot.domain.sentence import listed
from bot.notify.audience.channels import is_loud
from bot.policy import EVERY, Policy, may
from bot.policy.model import covers
from bot.policy.parts import Binding
from bot.ports import Directory

log = structlog.get_logger(__name__)
MOST = 8
"""names in one sentence"""
Unknown = Callable[[str, IntegrationError], None]
"""called for a name that could not be looked up"""


def approvers(policy: Policy, promotion: Promotion) -> str:
    """Who may approve, with live mentions of all whom Slack knows: "<!subteam^S0RELEASE> or <@U0DEE>"."""
    return _mentions(policy, approving(policy, promotion))


def approving(policy: Policy, promotion: Promotion) -> list[Binding]:
    """What gives a role by which somebody may say yes to an app that goes, by the rule that holds now."""
    quorums = promotion.rule.quorums
    roles = {role for quorum in quorums for role in (*quorum.roles, *quorum.required)}
    if any(not quorum.roles for quorum in quorums):
        roles |= _roles(policy, Permission.APPROVE)
    return _bound(policy, roles, promotion.apps, promotion.plan.environment)


def administrators(policy: Policy, plan: Plan) -> str:
    """Who may administer the apps of a plan, with live mentions as for `approvers`."""
    return _mentions(policy, _administering(policy, plan))


def administrator_ids(policy: Policy, plan: Plan) -> tuple[str, ...]:
    """Those of them that policy names as persons, by id or by address."""
    named = [binding.model_copy(update={"groups": ()}) for binding in _administering(policy, plan)]
    return tuple(sorted(policy.roster.users(named)))


def reviewers(policy: Policy, review: Review) -> str:
    """Who may close a review, for every one of its apps, with live mentions; without whoever broke the glass."""
    bound = [
        binding
        for binding in policy.bindings
        if binding.role in _roles(policy, Permission.APPROVE)
        and all(covers(binding, app, review.environment) for app in review.apps)
    ]
    return _mentions(policy, bound, without=review.by.id)


async def of_trouble(policy: Policy, directory: Directory) -> tuple[str, ...]:
    """Of what Pilothouse itself could not do: the default channel, else whoever may administer everything."""
    default = policy.channels.default
    return (default,) if default else await everything_administrators(policy, directory)


async def everything_administrators(policy: Policy, directory: Directory) -> tuple[str, ...]:
    """The ids of those who may administer everything; whoever cannot be looked up now is left out, and logged."""
    able = [
        binding
        for binding in policy.bindings
        if binding.role in _roles(policy, Permission.ADMINISTER)
        and EVERY in binding.apps
        and EVERY in binding.environments
    ]

    async def is_able(user: str) -> bool:
        try:
            return may(policy, await directory.caller(user), Permission.ADMINISTER, Target(EVERY, EVERY))
        except IntegrationError as error:
            _administrator_unknown(user, error)
            return False

    found = await persons(able, directory, _administrator_unknown)
    known = await asyncio.gather(*map(is_able, found))
    return tuple(user for user, able_now in zip(found, known, strict=True) if able_now)


async def persons(
    bindings: Iterable[Binding], directory: Directory, unknown: Unknown, largest: int = 10_000
) -> tuple[str, ...]:
    """The ids of everybody in some bindings; of a user group only where it has at most `largest` members.

    Those whom policy names by id come first: they are known even where groups cannot be asked for.
    """

    async def members(group: str) -> list[str]:
        try:
            found = await directory.members(group)
        except IntegrationError as error:
            unknown(group, error)
            return []
        return sorted(found) if len(found) <= largest else []

    async def with_address(email: str) -> list[str]:
        try:
            return [(await directory.by_email(email)).id]
        except IntegrationError as error:
            unknown(email, error)
            return []

    every = list(bindings)
    asked = [ask for one in every for ask in (*map(members, one.groups), *map(with_address, one.emails))]
    named = [user for one in every for user in one.users]
    return tuple(dict.fromkeys([*named, *(user for users in await asyncio.gather(*asked) for user in users)]))


def told_to_the_author(policy: Policy, news: News) -> bool:
    """The author of a change hears of it alone where no channel does; of the journey of a commit in any case."""
    return news.event is Event.JOURNEY or (news.event is Event.DEPLOYED and not is_loud(policy, news))


def _administering(policy: Policy, plan: Plan) -> list[Binding]:
    return _bound(policy, _roles(policy, Permission.ADMINISTER), plan.apps, plan.environment)


def _roles(policy: Policy, permission: Permission) -> set[str]:
    return {role for role, permissions in policy.roles.items() if permission in permissions}


def _bound(policy: Policy, roles: set[str], apps: Iterable[str], environment: str) -> list[Binding]:
    """What binds one of these roles for at least one of the apps."""
    known = tuple(apps)
    return [
        binding
        for binding in policy.bindings
        if binding.role in roles and any(covers(binding, app, environment) for app in known)
    ]


def _mentions(policy: Policy, bindings: Iterable[Binding], without: str = "") -> str:
    """Everybody in them, with live mentions; `without` is the id of a person who is not meant."""
    names = [name for binding in bindings for name in policy.roster.mentions(binding) if name != f"<@{without}>"]
    return listed(list(dict.fromkeys(names))[:MOST], "or")


def _administrator_unknown(name: str, error: IntegrationError) -> None:
    log.warning("webhook.administrators_unknown", name=name, error=str(error))
