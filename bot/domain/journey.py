"""The journey of a commit: from its push through build and scan to the last environment."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.build import Build
from bot.domain.delivery import Outcome
from bot.domain.event import Event
from bot.domain.pipeline import RunStatus
from bot.domain.promotion import Stage
from bot.domain.scan import ScanStatus

FOLLOWED = timedelta(days=30)
"""after which the journey of a commit that has not arrived is told no further: as long as news is kept"""


def journey_key(app: str, revision: str) -> str:
    """By which its message is found."""
    return f"{Event.JOURNEY}:{revision}:{app}"


@dataclass(frozen=True)
class JourneyFailure:
    """Something that went wrong on the way; `id` tells one from another."""

    id: str
    what: str
    why: str = ""


@dataclass(frozen=True)
class Later:
    """A later commit that contains this one, and what has become of it in an environment."""

    revision: str
    outcome: Outcome
    url: str = ""

    @property
    def arrived(self) -> bool:
        return self.outcome is Outcome.HEALTHY


@dataclass(frozen=True)
class Leg:
    """What has become of a build in one environment; `outcome` is None where it is not written there.

    `waits`: a promotion would bring it there, and is at this stage. `refused`: one would have, and ended: in which way.
    """

    environment: str
    outcome: Outcome | None = None
    why: str = ""
    sha: str = ""
    """of the commit that brought it there"""
    at: datetime | None = None
    promotion: str = ""
    channel: str = ""
    """of the promotion's card"""
    requester: str = ""
    """of the promotion, by id: whose direct message its card may be in"""
    waits: Stage | None = None
    refused: str = ""
    commits: int = -1
    """how many source commits it brings, over what that environment had before; -1 where that is not known"""
    later: Later | None = None
    """where the build itself has not become Healthy there"""

    @property
    def arrived(self) -> bool:
        """Whether the commit is, or was, Healthy there: in its own image, or in a later one that contains it."""
        return self.outcome is Outcome.HEALTHY or (self.later is not None and self.later.arrived)

    @property
    def failed(self) -> bool:
        """And no later commit has made up for it."""
        bad = bool(self.refused) or (self.outcome is not None and self.outcome.failed)
        return bad and (self.later is None or self.later.outcome.failed)


@dataclass(frozen=True)
class Journey:
    """`legs` are in promotion order; `last` names the environments in which it ends."""

    build: Build
    legs: tuple[Leg, ...]
    last: tuple[str, ...]

    @property
    def app(self) -> str:
        return self.build.app

    @property
    def ended(self) -> bool:
        """Whether the commit has arrived in every last environment."""
        ends = [leg for leg in self.legs if leg.environment in self.last]
        return bool(ends) and all(leg.arrived for leg in ends)

    @property
    def superseded(self) -> Later | None:
        """The later commit that has come furthest of those that contain it."""
        return next((leg.later for leg in reversed(self.legs) if leg.later), None)

    @property
    def failed(self) -> bool:
        """Whether it stands still, and no later commit has made up for it."""
        broken = any(each.id.partition(":")[0] in ("run", "scan") for each in self.failures)
        return any(leg.failed for leg in self.legs) or (broken and self.superseded is None)

    @property
    def failures(self) -> tuple[JourneyFailure, ...]:
        """What its author should hear of; a run that a person cancelled is none."""
        build = self.build
        found: list[JourneyFailure] = []
        if build.status is RunStatus.FAILED:
            found.append(JourneyFailure(f"run:{build.run}", f"The build {build.run} failed", build.reason))
        if build.scan and build.scan.status is ScanStatus.ERROR:
            found.append(JourneyFailure(f"scan:{build.digest}", "The scan failed"))
        for leg in self.legs:
            if leg.outcome and leg.outcome.failed:
                what = "does not run" if leg.outcome is Outcome.NEVER_RAN else "failed"
                found.append(JourneyFailure(f"{leg.environment}:{leg.sha}", f"It {what} in {leg.environment}", leg.why))
            elif leg.refused:
                what = f"Its promotion to {leg.environment} ended"
                found.append(JourneyFailure(f"promotion:{leg.promotion}", what, leg.refused))
        return tuple(found)
