"""Do a step of a story, and go on asking while the system that it needs is away."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from bot.domain.errors import DatabaseAway, IntegrationError, InvariantError, OverlayMoved, Unavailable, UserError
from bot.domain.promotion import Phase
from bot.promotions.follow_up import FollowUp
from bot.workflow.journal import Journal, Json, pack, unpack

log = structlog.get_logger(__name__)
T = TypeVar("T")

FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=1)
DOUBLINGS = 10
"""after which the pause is the longest anyway, and no number too large for a time"""
PATIENCE = timedelta(minutes=30)
"""How long a step may find its system unavailable before the promotion is Errored.

For our own database there is no such time: without it the end could not be written down either.
"""


class Ended(Exception):
    """The story is over before its last line. `away`: a system did not answer for too long, and may have acted.

    `doubt`: so the change may be in git.
    """

    def __init__(
        self,
        phase: Phase,
        outcome: str,
        follow_up: FollowUp | None = None,
        *,
        away: bool = False,
        doubt: bool = False,
    ) -> None:
        super().__init__(phase, outcome, follow_up)
        self.phase = phase
        self.outcome = outcome
        self.follow_up = follow_up
        self.away = away
        self.doubt = doubt


@dataclass(frozen=True)
class StepFailure:
    """A step's error as it goes into the journal; `retry_after` in seconds."""

    error: str
    phase: Phase = Phase.ERRORED
    retry: bool = False
    retry_after: float = 0
    forever: bool = False
    """whether no time is too long to wait for it"""
    moved: bool = False
    """whether people are asked anew"""


Listen = Callable[[timedelta], Awaitable[object]]
"""Waits for so long, or until somebody has said something and that was judged. Raises Ended for an abort."""


async def insist(
    journal: Journal, name: str, effect: Callable[[], Awaitable[T]], kind: type[T], listen: Listen | None = None
) -> T:
    """What the step returned. Raises Ended when it cannot be done, or its system stays away too long.

    `listen`: people are heard between two tries. Not while our own database is away, for what they say could not be
    written down.
    """
    waited = timedelta(0)
    begun: datetime | None = None
    attempt = 1
    while True:
        label = name if attempt == 1 else f"{name}!{attempt}"
        result = await journal.step(label, lambda: _told(effect))
        if "ok" in result:
            return unpack(result["ok"], kind)
        failure = unpack(result, StepFailure)
        if not failure.retry or (waited >= PATIENCE and not failure.forever):
            follow_up = FollowUp.REISSUE if failure.moved else None
            raise Ended(failure.phase, failure.error, follow_up, away=failure.retry)
        growing = FIRST_PAUSE * 2 ** min(attempt - 1, DOUBLINGS)
        pause = max(min(growing, LONGEST_PAUSE), timedelta(seconds=failure.retry_after))
        if listen and not failure.forever:
            begun = begun or await journal.now(f"{label}-away")
            await listen(pause)
            waited = await journal.now(f"{label}-waited") - begun
        else:
            await journal.sleep(pause)
            waited += pause
        attempt += 1


async def _told(effect: Callable[[], Awaitable[object]]) -> Json:
    """What a step returned, or the error that it ended with, as plain JSON."""
    try:
        return {"ok": pack(await effect())}
    except Exception as error:  # noqa: BLE001 (the journal must hold an answer, whatever happened)
        return pack(_failure(error))


def _failure(error: Exception) -> StepFailure:
    match error:
        case DatabaseAway():
            return StepFailure("The database is away.", retry=True, forever=True)
        case Unavailable():
            log.warning("step.waits", error=str(error))
            after = error.retry_after.total_seconds() if error.retry_after else 0
            sentence = f"{error.system} did not answer for too long ({error.operation})."
            return StepFailure(sentence, retry=True, retry_after=after)
        case UserError():
            return StepFailure(error.sentence, Phase.FAILED, moved=isinstance(error, OverlayMoved))
        case IntegrationError():
            log.error("step.refused", error=str(error))
            return StepFailure(f"{error.system} refused to {error.operation}: {error.detail}")
        case InvariantError():
            log.critical("step.invariant_broken", error=str(error))
            return StepFailure(f"Stopped: {error}.")
        case _:
            log.error("step.failed", exc_info=error)
            return StepFailure("Something unexpected went wrong; the log has the details.")
