"""One promotion as it stands."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot.domain.overlay import Commit
from bot.domain.promotion.consent import Approval, ApprovalRule, Vote
from bot.domain.promotion.following import Following, Progress
from bot.domain.promotion.plan import Kind, Move, Plan
from bot.domain.promotion.verdict import NOT_ASKED, GateResult, VerdictState


class Phase(StrEnum):
    """Failed: a rule or a person said no. Errored: machinery broke."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ERRORED = "Errored"
    ABORTED = "Aborted"

    @property
    def final(self) -> bool:
        return self not in (Phase.PENDING, Phase.RUNNING)


class Stage(StrEnum):
    """Where in the story a live promotion is."""

    GATES = "gates"
    APPROVAL = "approval"
    COMMIT = "commit"
    FOLLOW = "follow"
    DONE = "done"


class Doubt(StrEnum):
    """Whether nobody could tell, at a promotion's end, that its change is in git."""

    NONE = ""
    OPEN = "open"
    SETTLED = "settled"
    """git was asked again since: the outcome says what it had"""


@dataclass(frozen=True)
class Promotion:
    """One promotion as it stands: the plan, and what has come of it. This is what a card shows."""

    plan: Plan
    phase: Phase
    stage: Stage
    results: tuple[GateResult, ...] = ()
    approvals: tuple[Approval, ...] = ()
    rejection: Vote | None = None
    commit: Commit | None = None
    following: tuple[Following, ...] = ()
    outcome: str = ""
    """the closing sentence, once the phase is final"""
    expires_at: datetime | None = None
    finished_at: datetime | None = None
    left_out: tuple[str, ...] = ()
    """apps of a release train that are not to go"""
    voided: str = ""
    """why the approvals that had been given are void, "" when none are"""
    successor: str = ""
    """id of the promotion that was issued in place of this one"""
    pull_request: str = ""
    """URL of the pull request that carries the change"""
    tightened: ApprovalRule | None = None
    """the plan's rule and today's, where policy asks for more by now than when this was asked"""
    held_up: str = ""
    """why the pull request is not merged yet, "" when nothing is wrong with it"""
    pull_request_since: bool = False
    """whether policy wants a pull request by now, and did not when this was asked"""
    doubt: Doubt = Doubt.NONE

    @property
    def id(self) -> str:
        return self.plan.id

    @property
    def changed_at(self) -> datetime | None:
        """When its change came into git, never before it was asked for; None where none did."""
        return max(self.commit.at, self.plan.requested_at) if self.commit else None

    @property
    def moves(self) -> tuple[Move, ...]:
        """What goes: the plan's moves without the apps that were left out."""
        return tuple(move for move in self.plan.moves if move.app not in self.left_out)

    @property
    def apps(self) -> tuple[str, ...]:
        """The apps that go."""
        return tuple(app for app in self.plan.apps if app not in self.left_out)

    @property
    def images(self) -> frozenset[tuple[str, str]]:
        """App and digest of everything that goes."""
        return frozenset((move.app, move.after.digest) for move in self.moves)

    @property
    def rule(self) -> ApprovalRule:
        """Who must say yes to what goes: what stays behind asks for nobody."""
        rule = self.tightened or self.plan.approval
        demands = tuple(demand for demand in rule.demands if demand.app in self.apps)
        if not demands:
            return rule
        shown = next((wanted for demand in demands for wanted in demand.quorums), rule)
        return replace(rule, demands=demands, count=shown.count, roles=shown.roles, required=shown.required)

    @property
    def content_hash(self) -> str:
        """What an approval is bound to: the plan's facts, which apps go, and what the gates found.

        And to what policy asks for by now, where that is more: what was given for less does not count.
        """
        counting = [r for r in self.results if self.plan.version == 1 or r.app not in self.left_out]
        found = [[r.gate, r.app, bool(r.waived), *self._relied_on(r), *filter(None, [r.tightened])] for r in counting]
        facts = [*self.plan.facts, sorted(self.left_out), found, *([asdict(self.tightened)] if self.tightened else [])]
        facts += ["pull request"] if self.pull_request_since else []
        return hashlib.sha256(json.dumps(facts, separators=(",", ":"), default=str).encode()).hexdigest()

    def _relied_on(self, result: GateResult) -> tuple[str, str]:
        """What a skipped gate finds is told, and nobody's approval hangs on it."""
        if result.waived and result.gate in self.plan.skipped_gates:
            return VerdictState.BLOCKED, ""
        return result.verdict.state, result.verdict.fingerprint

    @property
    def against(self) -> tuple[GateResult, ...]:
        """What the gates that were skipped would have said no to, or waited for."""
        skipped = (r for r in self.results if r.gate in self.plan.skipped_gates and r.app not in self.left_out)
        said = (r for r in skipped if r.waived and r.verdict.reason != NOT_ASKED)
        return tuple(r for r in said if r.verdict.state is not VerdictState.PASSED)

    @property
    def only_watched(self) -> bool:
        """It is done, but for the time in which policy would take it back: another one may take its place."""
        healthy = all(one.progress is Progress.HEALTHY for one in self.following)
        return self.stage is Stage.FOLLOW and bool(self.following) and healthy and not self.phase.final

    def gives_way_to(self, plan: Plan) -> bool:
        """Whether another one may begin beside it. A person's rollback need not wait for what is only followed: its
        commit is the one that replaces ours, and what is followed ends by that.
        """
        followed = self.stage is Stage.FOLLOW and self.commit is not None and not self.phase.final
        return self.only_watched or (followed and plan.kind is Kind.ROLLBACK and not plan.automatic)

    @property
    def can_go_without(self) -> tuple[str, ...]:
        """The apps of a release train whose gates say no, where something goes when they are left out."""
        stopped = {r.app for r in self.blocked if r.verdict.state is VerdictState.BLOCKED}
        return tuple(app for app in self.apps if app in stopped) if stopped < set(self.apps) else ()

    @property
    def blocked(self) -> tuple[GateResult, ...]:
        return tuple(r for r in self.results if not r.holds and r.app not in self.left_out)
