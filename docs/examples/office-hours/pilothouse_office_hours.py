"""Office hours: a gate that lets nothing out at night, a command that says when the office is open, and a notifier that
keeps a log of what happens when nobody is there.

Everything is imported from `bot.plugin`, and from nowhere else in Pilothouse.
"""

import asyncio
import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from bot.plugin import (
    Caller,
    CommandForm,
    Context,
    Filled,
    FormField,
    Input,
    Intent,
    Notice,
    Options,
    Permission,
    Policy,
    Question,
    Reply,
    Slots,
    Told,
    Unavailable,
    Verdict,
    Words,
    command,
)

OPENS, CLOSES = time(8), time(18)
FRIDAY = 4
NIGHT_LOG = "OFFICE_HOURS_NIGHT_LOG"
"""the environment variable that names the file of the night log"""


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

    environment: str


def parse(words: Words) -> Intent:
    place = words.place(Slots(apps=0))
    if not place.environment:
        words.refuse("Name an environment.")
    return AskOfficeHours(context=words.context, environment=place.environment)


def read(filled: Filled, context: Context) -> AskOfficeHours:
    return AskOfficeHours(context=context, environment=filled[Input.ENVIRONMENT])


FORM = CommandForm("Office hours", (FormField(Input.ENVIRONMENT, needed=True),), read)


@command("office-hours", usage="/office-hours ENV", allow=Permission.VIEW, parse=parse, form=FORM)
async def office_hours(ask: AskOfficeHours, caller: Caller, policy: Policy) -> Reply:
    """Say when the office lets something out.

    Without an environment it asks for one.
    """
    options = policy.rules("", ask.environment).gates().get(OfficeHoursGate.name)
    if options is None:
        return Told(f"{ask.environment} does not ask for office hours, {caller.person.name}.")
    hours = OfficeHours.model_validate(options)
    begins = next_opening(datetime.now(UTC), hours)
    state = f"closed until {begins:%a %H:%M} UTC" if begins else f"open until {hours.closes:%H:%M} UTC"
    return Told(f"{caller.person.name}, the office is {state} for {ask.environment}.")


class NightLog:
    """What happens while the office is closed, a JSON object a line; no log where no file is named."""

    name: ClassVar[str] = "night-log"

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def tell(self, notice: Notice) -> None:
        file, hours = os.environ.get(NIGHT_LOG), self._hours(notice.environment)
        if not file or hours is None or next_opening(datetime.now(UTC), hours) is None:
            return
        try:
            await asyncio.to_thread(append, Path(file), asdict(notice))
        except OSError as error:
            raise Unavailable("the night log", "write", str(error)) from error

    def _hours(self, environment: str) -> OfficeHours | None:
        """None where the policy does not ask for office hours."""
        if environment not in [known.name for known in self._policy.environments]:
            return None
        options = self._policy.rules("", environment).gates().get(OfficeHoursGate.name)
        return None if options is None else OfficeHours.model_validate(options)


def append(file: Path, line: dict[str, object]) -> None:
    with file.open("a") as log:
        log.write(json.dumps(line) + "\n")
