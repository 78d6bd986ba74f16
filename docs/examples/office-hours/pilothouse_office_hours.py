"""Office hours: a gate that lets nothing out at night, and a command that says when the office is open.

Everything is imported from `bot.plugin`, and from nowhere else in Pilothouse.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import ClassVar

from pydantic import Field

from bot.plugin import Caller, Intent, Options, Permission, Question, Reply, Told, Verdict, Words, command

OPENS, CLOSES = time(8), time(18)
FRIDAY = 4


class OfficeHours(Options):
    """In the policy: `gates: {office-hours: {opens: "09:00"}}`."""

    opens: time = Field(OPENS, description="When the office opens, UTC.")
    closes: time = Field(CLOSES, description="When it closes, UTC.")


class OfficeHoursGate:
    """Is anybody in the office?

    Monday to Friday, from `opens` to `closes` (UTC). A promotion that comes too early or too late waits.
    """

    name: ClassVar[str] = "office-hours"
    options: ClassVar[type[Options]] = OfficeHours

    async def ask(self, question: Question) -> Verdict:
        hours = OfficeHours.model_validate(question.options)
        begins = next_opening(question.now, hours)
        if begins is None:
            return Verdict.passed(f"The office is open until {hours.closes:%H:%M} UTC")
        return Verdict.waiting(
            f"The office is closed until {begins:%a %H:%M} UTC.",
            "It continues automatically.",
            retry_after=begins - question.now,
        )


def next_opening(now: datetime, hours: OfficeHours) -> datetime | None:
    """UTC; None when the office is open."""
    if now.weekday() <= FRIDAY and hours.opens <= now.time() < hours.closes:
        return None
    day = now.date() if now.time() < hours.opens else now.date() + timedelta(days=1)
    while day.weekday() > FRIDAY:
        day += timedelta(days=1)
    return datetime.combine(day, hours.opens, UTC)


@dataclass(frozen=True, kw_only=True)
class AskOfficeHours(Intent):
    """What `/office-hours` asks."""


def parse(words: Words) -> AskOfficeHours:
    words.done()
    return AskOfficeHours(context=words.context)


@command("office-hours", usage="/office-hours", allow=Permission.VIEW, parse=parse, names=False)
async def office_hours(_ask: AskOfficeHours, caller: Caller) -> Reply:
    """Say when the office is open."""
    begins = next_opening(datetime.now(UTC), OfficeHours())
    state = f"closed until {begins:%a %H:%M} UTC" if begins else f"open until {CLOSES:%H:%M} UTC"
    return Told(f"{caller.person.name}, the office is {state}.")
