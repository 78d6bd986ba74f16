"""Where news that is not about a promotion is told."""

from collections.abc import AsyncIterator

import structlog

from bot.domain.caller import Permission, Target
from bot.domain.errors import IntegrationError
from bot.policy import EVERY, Policy, may
from bot.policy.parts import Binding
from bot.ports import Directory

log = structlog.get_logger()
ANY = "*"


def channels(policy: Policy, app: str, environment: str, event: str) -> tuple[str, ...]:
    """What the policy's routes say, else its default channel.

    News that names no app (or no environment) goes only where all of them are followed.
    """
    routed = policy.channels_for(app or ANY, environment or ANY, event)
    if routed or not policy.channels.default:
        if not routed:
            log.warning("webhook.nobody_to_tell", event_word=event, app=app, environment=environment)
        return routed
    return (policy.channels.default,)


async def administrators(policy: Policy, directory: Directory) -> tuple[str, ...]:
    """The ids of those who may administer everything; whoever cannot be looked up now is left out, and logged."""
    able = [b for b in policy.bindings if Permission.ADMINISTER in policy.roles[b.role]]
    able = [b for b in able if EVERY in b.apps and EVERY in b.environments]
    found: dict[str, None] = {}
    for binding in able:
        try:
            async for user in _bound(binding, directory):
                if may(policy, await directory.caller(user), Permission.ADMINISTER, Target(EVERY, EVERY)):
                    found[user] = None
        except IntegrationError as error:
            log.warning("webhook.administrators_unknown", role=binding.role, error=str(error))
    return tuple(found)


async def _bound(binding: Binding, directory: Directory) -> AsyncIterator[str]:
    """Those whom it names by id first: they are known even where groups cannot be asked for."""
    for user in binding.users:
        yield user
    for group in binding.groups:
        for user in sorted(await directory.members(group)):
            yield user
    for email in binding.emails:
        yield (await directory.by_email(email)).id
