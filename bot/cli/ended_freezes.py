"""Freezes that are over: nothing to stop the bot for, but `policy check` tells of them."""

from collections.abc import Iterator
from datetime import datetime

from bot.gates.freeze import FreezeGate, FreezeOptions
from bot.policy import Policy
from bot.policy.contradictions import rules_written


def ended_windows(policy: Policy, now: datetime) -> Iterator[str]:
    """A sentence for each window of the gate `freeze` that never comes again, with its place in the file."""
    for place, rules in rules_written(policy):
        given = rules.gates.get(FreezeGate.name)
        options = FreezeOptions.model_validate(given) if isinstance(given, dict) else FreezeOptions()
        for index, window in enumerate(options.windows):
            if window.over(now):
                where = ".".join(str(part) for part in (*place, "gates", FreezeGate.name, "windows", index))
                yield (
                    f"{where}: {window.cron or window.rrule!r} never comes again: remove it, or give a COUNT or UNTIL "
                    "that is still to come. COUNT counts from DTSTART, or from 1 January 2024 without one."
                )
