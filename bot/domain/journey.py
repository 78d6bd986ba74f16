"""The journey of a commit: from its push through build and scan to the last environment."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.build import Build
from bot.domain.delivery import Outcome
from bot.domain.event import Event
from bot.domain.pipeline import RunStatus
from bot.domain.promotion import Stage
from bot.domain.scan import ScanStatus


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
    waits: Stage | None = None
    refused: str = ""
    commits: int = -1
    """how many source commits it brings, over what that environment had before; -1 where that is not known"""


@dataclass(frozen=True)
class Journey:
    """`legs` are in promotion order."""

    build: Build
    legs: tuple[Leg, ...]

    @property
    def app(self) -> str:
        return self.build.app

    @property
    def reached(self) -> str:
        """The furthest environment in which it is Healthy, or was."""
        healthy = [leg.environment for leg in self.legs if leg.outcome is Outcome.HEALTHY]
        return healthy[-1] if healthy else ""

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
