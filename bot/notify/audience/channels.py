"""Which channels hear of what, as policy names them: one rule for each kind of news, side by side."""

from collections.abc import Iterable

import structlog

from bot.domain.delivery import News
from bot.domain.event import ROUTING, Event, Routing
from bot.domain.promotion import Plan, Promotion
from bot.domain.subscription import OF_PROMOTIONS
from bot.policy import Policy
from bot.policy.model import covers
from bot.policy.parts import AppPart

log = structlog.get_logger(__name__)
ANY = "*"
FAILURES = (Event.DEPLOY_FAILED, Event.DEGRADED)
"""told wherever they happen"""


def card_channel(policy: Policy, asked_in: str, requester: str) -> str:
    """Where the card of a promotion stands: in the default channel, else where it was asked for, else with the
    requester.
    """
    return policy.channels.default or asked_in or requester


def of_promotion(policy: Policy, plan: Plan, event: Event) -> tuple[str, ...]:
    """Besides the card's thread: the apps' channels and every route. Broken glass is told in every channel that hears
    of the apps at all, and in the default one.
    """
    events = tuple(Event) if plan.break_glass else (event,)
    routed = [
        channel for app in plan.apps for one in events for channel in policy.channels_for(app, plan.environment, one)
    ]
    usual = [policy.channels.default] if plan.break_glass and policy.channels.default else []
    return tuple(dict.fromkeys([*routed, *usual]))


def heard_already(policy: Policy, promotion: Promotion, event: Event, app: str) -> tuple[str, ...]:
    """Who needs no subscription: those who read it on the card, in a channel that policy names, or as its requester."""
    plan = promotion.plan
    routed = policy.channels_for(app, plan.environment, event)
    requester = (plan.requester.id,) if event.final or event is Event.STARTED else ()
    return tuple(dict.fromkeys([plan.channel, *routed, *requester]))


def of_deed(policy: Policy, apps: Iterable[str], environment: str, event: Event, asked_in: str) -> tuple[str, ...]:
    """Of what people do beside promotions (locks, freezes, syncs …): the default channel, else where it was asked for;
    and every route.
    """
    routed = [channel for app in apps for channel in policy.channels_for(app, environment, event)]
    usual = policy.channels.default or asked_in
    by_name = {channel.removeprefix("#"): channel for channel in (usual, *routed) if channel}
    return tuple(by_name.values())


def by_name(policy: Policy, apps: Iterable[str], environment: str, event: Event) -> tuple[str, ...]:
    """Of what goes to persons: routes that name the event, and not `*`. Delegations are of no app: "" is any."""
    found = (
        route.channel
        for app in apps
        for route in policy.channels.routes
        if event in route.events and covers(route, app, environment)
    )
    return tuple(dict.fromkeys(found))


def of_webhook(policy: Policy, app: str, environment: str, event: Event) -> tuple[str, ...]:
    """Of alerts and failed pipeline runs: every route, else the default channel.

    News that names no app (or no environment) goes only where all of them are followed.
    """
    routed = policy.channels_for(app or ANY, environment or ANY, event)
    if routed or not policy.channels.default:
        if not routed:
            log.warning("webhook.nobody_to_tell", event_word=event, app=app, environment=environment)
        return routed
    return (policy.channels.default,)


def of_change(policy: Policy, news: News) -> tuple[str, ...]:
    """Of a change that Pilothouse did not make.

    Quiet by default: the app's channel, else the default one, hears of production, the last environment and failures.
    A route that names the event hears of it everywhere; one for every event (`*`) hears what is not quiet.
    """
    if news.event in OF_PROMOTIONS:
        return ()  # the card's own business
    if ROUTING[news.event] is Routing.NAMED:
        return by_name(policy, [news.app], news.environment, news.event)
    loud = is_loud(policy, news)
    routed = [
        route.channel
        for route in policy.channels.routes
        if covers(route, news.app, news.environment) and (news.event in route.events or (loud and ANY in route.events))
    ]
    own = policy.apps.get(news.app, AppPart()).channel
    usual = [own] if own and loud else []
    if loud and not routed and not usual and policy.channels.default:
        usual = [policy.channels.default]
    return tuple(dict.fromkeys([*usual, *routed]))


def is_loud(policy: Policy, news: News) -> bool:
    """A failure, production, or the last environment."""
    return news.event in FAILURES or news.environment in policy.careful
