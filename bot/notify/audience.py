"""Who is to hear of it: what notifications ask the policy."""

from collections.abc import Iterable

from bot.domain.caller import Permission
from bot.domain.delivery import News
from bot.domain.event import Event
from bot.domain.promotion import Plan
from bot.domain.sentence import listed
from bot.domain.subscription import OF_PROMOTIONS
from bot.policy import Policy
from bot.policy.model import covers
from bot.policy.parts import AppPart, Binding

MOST = 8
"""names in one sentence"""


def approvers(policy: Policy, plan: Plan) -> str:
    """Who may approve, with live mentions of all whom Slack knows: "<!subteam^S0RELEASE> or <@U0DEE>"."""
    quorums = plan.approval.quorums
    roles = {role for quorum in quorums for role in (*quorum.roles, *quorum.required)}
    if any(not quorum.roles for quorum in quorums):
        roles |= {role for role, may in policy.roles.items() if Permission.APPROVE in may}
    return _named(policy, plan, roles)


def administrators(policy: Policy, plan: Plan) -> str:
    """Who may administer the apps of a plan, with live mentions as for `approvers`."""
    return _named(policy, plan, _administering(policy))


def administrator_ids(policy: Policy, plan: Plan) -> tuple[str, ...]:
    """Those of them that policy names as persons, by id or by address."""
    roster = policy.roster
    named = [binding.model_copy(update={"groups": ()}) for binding in _bound(policy, plan, _administering(policy))]
    return tuple(sorted(roster.users(named)))


def _administering(policy: Policy) -> set[str]:
    return {role for role, may in policy.roles.items() if Permission.ADMINISTER in may}


def _bound(policy: Policy, plan: Plan, roles: set[str]) -> list[Binding]:
    return [
        binding
        for binding in policy.bindings
        if binding.role in roles and any(covers(binding, app, plan.environment) for app in plan.apps)
    ]


def _named(policy: Policy, plan: Plan, roles: set[str]) -> str:
    return named(policy, _bound(policy, plan, roles))


def named(policy: Policy, bindings: Iterable[Binding], without: str = "") -> str:
    """Everybody in them, with live mentions; `without` is the id of a person who is not meant."""
    names = [name for binding in bindings for name in policy.roster.mentions(binding) if name != f"<@{without}>"]
    return listed(list(dict.fromkeys(names))[:MOST], "or")


FAILURES = (Event.DEPLOY_FAILED, Event.DEGRADED)
"""told wherever they happen"""


def news_channels(policy: Policy, news: News) -> tuple[str, ...]:
    """The channels that hear of a change which Pilothouse did not make.

    Quiet by default: the app's channel, else the default one, hears of production, the last environment and failures.
    A route that names the event hears of it everywhere; one for every event (`*`) hears what is not quiet.
    """
    if news.event in OF_PROMOTIONS:
        return ()  # the card's own business
    loud = is_loud(policy, news)
    routed = [
        route.channel
        for route in policy.channels.routes
        if covers(route, news.app, news.environment) and (news.event in route.events or (loud and "*" in route.events))
    ]
    own = policy.apps.get(news.app, AppPart()).channel
    usual = [own] if own and loud else []
    if loud and not routed and not usual and policy.channels.default:
        usual = [policy.channels.default]
    return tuple(dict.fromkeys([*usual, *routed]))


def told_to_the_author(policy: Policy, news: News) -> bool:
    """The author of a change hears of it alone where no channel does; of the journey of a commit in any case."""
    return news.event is Event.JOURNEY or (news.event is Event.DEPLOYED and not is_loud(policy, news))


def is_loud(policy: Policy, news: News) -> bool:
    """A failure, production, or the last environment."""
    return news.event in FAILURES or news.environment in policy.careful
