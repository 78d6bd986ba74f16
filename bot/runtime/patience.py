"""How long to wait before the next try."""

import random

from bot.domain.errors import IntegrationError, Unavailable

LONGEST_WAIT = 300.0
"""seconds between two tries"""


def wait_after(error: IntegrationError, tries: int) -> float:
    """Seconds: doubling, jittered, and never less than what the system asked for."""
    doubled = min(LONGEST_WAIT, float(2 ** min(tries, 16)))
    asked = error.retry_after.total_seconds() if isinstance(error, Unavailable) and error.retry_after else 0.0
    return max(asked, doubled * random.uniform(0.75, 1.0))  # noqa: S311
