"""Who must say yes, and what people have said."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.caller import Person


@dataclass(frozen=True)
class Quorum:
    """Enough people: `count` distinct ones out of `roles`, at least one of them from each role in `required`."""

    count: int = 0
    roles: tuple[str, ...] = ()
    required: tuple[str, ...] = ()


@dataclass(frozen=True)
class Demand:
    """What one app of a release train asks for: one of these quorums, of people who may speak for that app."""

    app: str
    quorums: tuple[Quorum, ...]


@dataclass(frozen=True)
class ApprovalRule(Quorum):
    """Who must say yes before an environment changes, within `expires`: this quorum, or any of `alternatives`.

    In a release train every one of `demands` must be met instead.
    """

    alternatives: tuple[Quorum, ...] = ()
    demands: tuple[Demand, ...] = ()
    expires: timedelta = timedelta(hours=4)
    self_approval: bool = False
    author_approval: bool = True
    """whether the author of the image's newest commit may approve"""
    reuse: timedelta | None = None
    """how long approvals of the same images for the same environment count again"""
    remind: timedelta | None = None
    """after which time approvers are reminded first; then each reminder waits twice as long as the one before"""
    escalate_after: timedelta | None = None
    escalate_to: tuple[str, ...] = ()
    """channels that hear of it when nobody has decided after `escalate_after`"""

    @property
    def quorums(self) -> tuple[Quorum, ...]:
        """Every quorum that is named, whichever app it is for."""
        if self.demands:
            return tuple(dict.fromkeys(quorum for demand in self.demands for quorum in demand.quorums))
        return (self, *self.alternatives)

    def quorums_for(self, app: str) -> tuple[Quorum, ...]:
        """Those of every demand for the app: today's policy may add to what was demanded when it was asked."""
        named = (quorum for demand in self.demands if demand.app == app for quorum in demand.quorums)
        return tuple(dict.fromkeys(named)) or self.quorums

    @property
    def told_by_count(self) -> bool:
        """Whether a number says it all: one quorum, the same for every app, that asks for no role in particular."""
        return len(self.quorums) == 1 and not self.quorums[0].required


class VoteKind(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    ABORT = "abort"
    ADJUST = "adjust"
    """leave apps out of a release train, or take them in again"""


@dataclass(frozen=True)
class Vote:
    """What a person said about a promotion. `content_hash` is what they were looking at."""

    kind: VoteKind
    by: Person
    at: datetime
    content_hash: str
    reason: str = ""
    roles: tuple[str, ...] = ()
    """the roles, of those the rule asks for, that the person held at the moment of the vote"""
    behalf: tuple[Person, ...] = ()
    """the absent people whose roles the person spoke with"""
    voices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """in a release train: the apps that the person may speak for, each with the roles for it"""


@dataclass(frozen=True)
class Approval:
    """A person's yes that counts; for every app, or for those in `voices` only."""

    approver: Person
    content_hash: str
    at: datetime
    roles: tuple[str, ...] = ()
    behalf: tuple[Person, ...] = ()
    voices: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def speaks_for(self, app: str) -> bool:
        return not self.voices or app in self.voices

    def roles_for(self, app: str) -> tuple[str, ...]:
        return self.voices.get(app, ()) if self.voices else self.roles
