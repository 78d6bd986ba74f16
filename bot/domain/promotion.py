"""Promotions: moving images to an environment by changing desired state in git."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.age import Older
from bot.domain.application import ApplicationRef
from bot.domain.caller import Person
from bot.domain.image import Image
from bot.domain.overlay import Commit, OverlayImage

STORY = 5
"""The version of the story that new plans are told by."""


NOT_ASKED = "Not asked."
"""the reason of a skipped gate that nobody asked: it is not installed, or the journal is of before such were asked"""


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


class Kind(StrEnum):
    PROMOTION = "promotion"
    ROLLBACK = "rollback"


class VerdictState(StrEnum):
    PASSED = "Passed"
    BLOCKED = "Blocked"
    WAITING = "Waiting"


@dataclass(frozen=True)
class Verdict:
    """A gate's answer. `reason` is a sentence in the present tense; `remedy` says what to do about it.

    `retry_after` says when asking again may help; only Waiting has it.
    """

    state: VerdictState
    reason: str
    remedy: str = ""
    link: str = ""
    retry_after: timedelta | None = None
    fingerprint: str = ""
    """what approvers rely on beyond the state: when it moves, their approvals are void"""
    asked: bool = True
    """False where there was nothing to ask: that stands in nobody's way, and is no good news either"""

    @classmethod
    def passed(cls, reason: str, *, link: str = "", fingerprint: str = "", asked: bool = True) -> "Verdict":
        return cls(VerdictState.PASSED, reason, link=link, fingerprint=fingerprint, asked=asked)

    @classmethod
    def blocked(cls, reason: str, remedy: str, *, link: str = "") -> "Verdict":
        return cls(VerdictState.BLOCKED, reason, remedy, link)

    @classmethod
    def waiting(cls, reason: str, remedy: str = "", *, retry_after: timedelta, link: str = "") -> "Verdict":
        return cls(VerdictState.WAITING, reason, remedy, link, retry_after)


@dataclass(frozen=True)
class GateResult:
    """What one gate said about one app's move."""

    gate: str
    app: str
    verdict: Verdict
    waived: str = ""
    """why a Blocked or Waiting verdict does not stop this promotion (policy or break-glass), or "" """
    tightened: str = ""
    """stands for the gate's options of today, where they ask for more than those of when this was asked"""

    @property
    def holds(self) -> bool:
        return self.verdict.state is VerdictState.PASSED or bool(self.waived)


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


@dataclass(frozen=True)
class SourceCommit:
    """One commit of a source repository, as people read it: its subject, and who wrote it."""

    subject: str
    author: str


@dataclass(frozen=True)
class Move:
    """One `images:` entry of one overlay, from what it says now to an image."""

    app: str
    overlay: str
    """path of the kustomization file"""
    before: OverlayImage
    after: Image
    application: ApplicationRef
    revision: str = ""
    """source revision the new image was built from, "" when the registry does not know"""
    revision_before: str = ""
    source: str = ""
    """URL of the source repository"""
    tag_before: str = ""
    """what the registry calls the image that the line shows now, display-only"""
    newer: bool = False
    """whether the image was pushed after the one that the line shows now"""
    origin: str = ""
    """the environment that it comes from, where that is not the plan's `source`: the app skips that one"""
    commits: int = -1
    """how many source commits lie between the two images, -1 when that is not known"""
    digest_before: str = ""
    """what the line named when this was planned, "" when the registry did not have it"""
    behind: int = 0
    """how many source commits the image that the line shows now has, and the new one has not"""
    older: tuple[Older, ...] = ()
    """what says that the new image is older than the one that the line shows now; () where too little does"""
    newest: tuple[SourceCommit, ...] = ()
    """the newest of those commits, newest first; display-only"""

    @property
    def name(self) -> str:
        return self.before.name

    @property
    def label_before(self) -> str:
        """How people call what the line shows now."""
        return self.before.tag or self.tag_before or self.before.label


@dataclass(frozen=True)
class GateTerms:
    """The options that policy gave a gate for these apps, as JSON."""

    gate: str
    apps: tuple[str, ...]
    options: str


@dataclass(frozen=True)
class Plan:
    """The frozen facts of one promotion: everything that the story needs and that must not change under it."""

    id: str
    kind: Kind
    environment: str
    source: str
    """environment the images come from, "" for an image named by hand"""
    moves: tuple[Move, ...]
    requester: Person
    channel: str
    """Slack channel id where the card is posted"""
    requested_at: datetime
    gates: tuple[str, ...]
    approval: ApprovalRule
    seen_commit: str
    """head of the overlay repository when the plan was made"""
    reason: str = ""
    skipped_gates: dict[str, str] = field(default_factory=dict)
    """gate name → why policy skips it here (a rollback, a hotfix, a break-glass)"""
    break_glass: bool = False
    """quorum waived, by somebody who may; authorisation never is"""
    automatic: bool = False
    """started by Pilothouse itself: a rollback that policy asks for"""
    replaces: str = ""
    """id of the promotion that this one was issued in place of"""
    authors: tuple[str, ...] = ()
    """e-mails of the authors of the newest source commits, where policy asks for them"""
    authors_unknown: tuple[str, ...] = ()
    """apps of images whose authors nobody told: one of them may be anybody"""
    correlation_id: str = ""
    version: int = 1
    """of the story that is told of it: one that an older Pilothouse began is told as that one would have"""
    terms: tuple[GateTerms, ...] = ()
    """what policy asked of the gates when the plan was made; a gate that is not named for an app is not asked of it"""
    pull_request: bool = False
    """whether policy wanted a pull request when the plan was made"""
    branch: str = ""
    """of the pull request, if there is to be one: nobody can guess it, and so take it, beforehand"""

    @property
    def apps(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(move.app for move in self.moves))

    @property
    def app(self) -> str:
        """The one app, or all of them joined for a release train."""
        return ", ".join(self.apps)

    @property
    def keeps_terms(self) -> bool:
        """Whether what policy asked when it was planned is part of it."""
        return self.version > 4

    def options(self, gate: str, app: str) -> str | None:
        """What policy gave the gate for the app when the plan was made, as JSON; None where it did not name it."""
        return next((one.options for one in self.terms if one.gate == gate and app in one.apps), None)

    @property
    def facts(self) -> list[object]:
        """What an approval is bound to: target, images, the overlay lines and the commit as the approver saw them."""
        moves = [
            [m.app, m.overlay, m.name, m.before.tag, m.before.digest, m.after.repository, m.after.digest]
            for m in self.moves
        ]
        if self.version > 3:
            moves = [[*facts, m.before.repository, m.after.tag] for facts, m in zip(moves, self.moves, strict=True)]
        return [self.environment, moves] if self.version == 1 else [self.environment, moves, self.seen_commit]

    @property
    def glass_hash(self) -> str:
        """What a press that breaks the glass is bound to: the images from → to, and what is skipped.

        Not to the commit: somebody's change of another line is no reason to ask again in an emergency.
        """
        moves = [[m.app, m.overlay, m.name, *_image(m.before), *_image(m.after)] for m in self.moves]
        facts = [self.environment, sorted(map(str, moves)), sorted(self.skipped_gates)]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _image(image: Image | OverlayImage) -> tuple[str, str, str]:
    return image.repository, image.tag, image.digest


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


class Progress(StrEnum):
    """How far one Application is on its way to the commit."""

    WAITING = "Waiting"
    SYNCING = "Syncing"
    PROGRESSING = "Progressing"
    HEALTHY = "Healthy"
    FAILED = "Failed"
    SUPERSEDED = "Superseded"
    """somebody's later commit changed the line before Argo CD came"""
    NEVER_RAN = "NeverRan"
    """synced, but the image is not what runs"""

    @property
    def final(self) -> bool:
        return self not in (Progress.WAITING, Progress.SYNCING, Progress.PROGRESSING)

    @property
    def failed(self) -> bool:
        return self.final and self is not Progress.HEALTHY


@dataclass(frozen=True)
class Following:
    """What Argo CD makes of the commit for one Application; `explanation`: why it is not further, or what drifts."""

    application: ApplicationRef
    progress: Progress
    sync: str = ""
    health: str = ""
    explanation: str = ""
    url: str = ""


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
