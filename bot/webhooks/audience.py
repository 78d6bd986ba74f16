"""Where news that is not about a promotion is told."""

import structlog

from bot.policy import Policy

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
