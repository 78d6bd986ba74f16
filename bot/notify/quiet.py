"""When is somebody asleep?"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.domain.caller import Caller
from bot.policy import Policy

EVENING, MORNING = 21, 7
"""hours, in the person's own time zone: between them nobody is reminded"""


def night(caller: Caller, policy: Policy, now: float) -> bool:
    """`now` is seconds since the epoch. Who has told Slack no time zone lives in the policy's."""
    try:
        zone = ZoneInfo(caller.timezone or policy.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    hour = datetime.fromtimestamp(now, UTC).astimezone(zone).hour
    return hour >= EVENING or hour < MORNING
