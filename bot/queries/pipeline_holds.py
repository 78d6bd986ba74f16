"""Whether the write with which a pipeline ends is held back: by locks, freezes and rejected images, as policy says.

A pipeline writes the first environment by itself, where images arrive. Nobody promotes there, so no story asks the
gates: the pipeline's last task asks here, before it writes.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from bot.domain.application import ApplicationRef
from bot.domain.caller import Person
from bot.domain.errors import UnknownName
from bot.domain.image import Image, Reference
from bot.domain.overlay import OverlayImage
from bot.domain.pipeline import HELD, PipelineRun, RunStatus
from bot.domain.promotion import ApprovalRule, GateResult, Kind, Move, Plan, VerdictState
from bot.domain.reply import FreezeCalled, LockTaken, Reply
from bot.domain.sentence import quoted
from bot.evaluation.evaluator import GateEvaluator
from bot.policy import Policy
from bot.ports import Clock

PEOPLES_WORD = ("lock", "freeze")
"""gates that answer without an image: what people say of the place"""
OF_THE_IMAGE = ("rejected",)
UNKNOWN = Image("", "sha256:" + "0" * 64)
"""stands for what is not built yet; no gate in PEOPLES_WORD looks at it"""


class PipelineHolds:
    """`asks`: whether pipelines have the token with which they ask; without it none does, and none is held."""

    def __init__(self, evaluator: GateEvaluator, policy: Policy, clock: Clock, *, asks: bool) -> None:
        self._evaluator = evaluator
        self._policy = policy
        self._clock = clock
        self._asks = asks

    @property
    def first(self) -> str:
        """The environment that pipelines write."""
        return self._policy.environments[0].name

    async def on(self, app: str, environment: str, image: Image | None = None) -> tuple[GateResult, ...]:
        """What does not let it pass, in policy's order; Waiting where a system that must be asked does not answer.

        The pipeline speaks for nobody: a lock holds its owner's builds too, and no role is exempt from a freeze.
        Raises UnknownName for an environment that policy does not name.
        """
        if environment not in {known.name for known in self._policy.environments}:
            raise UnknownName(f"There is no environment {quoted(environment)}.")
        gates = (*PEOPLES_WORD, *OF_THE_IMAGE) if image else PEOPLES_WORD
        asked = tuple(name for name in self._evaluator.names(app, environment) if name in gates)
        now = self._clock.now()
        results = await self._evaluator.ask(_plan(app, environment, image or UNKNOWN, asked, now), now)
        return tuple(result for result in results if not result.holds)

    async def told(self, run: PipelineRun, *, watched: bool = False) -> str:
        """What people must know of it beside the run; "" where nothing holds.

        `watched`: it has only just come to where it is, so that what holds now held it, too.
        """
        if not run.app or run.status in (RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.DELETED):
            return ""
        if why := run.results.get(HELD):
            return f"Not written to {self.first}: {why}{self._later(run)}"
        ended = run.status is RunStatus.SUCCEEDED
        if ended and (not watched or HELD in run.results):
            return ""
        held = said(r for r in await self.on(run.app, self.first) if r.verdict.state is VerdictState.BLOCKED)
        if not held:
            return ""
        if ended:
            return (
                f"{held} The pipeline does not say that it held back, so it may have written {self.first} all the same."
            )
        return f"{held} {self._promise}"

    def about(self, gate: str, app: str, environment: str) -> str:
        """What a lock or a freeze means for pipelines; "" where none writes by itself, or policy does not ask the gate.

        `app` "" stands for every app.
        """
        holds = environment == self.first and gate in self._evaluator.names(app, environment)
        return self._promise if holds else ""

    def beside(self, reply: Reply, gate: str, app: str, environment: str) -> Reply:
        """A lock that was taken or a freeze that was called, with what it means for pipelines; others as they are."""
        if isinstance(reply, LockTaken | FreezeCalled):
            return replace(reply, builds=self.about(gate, app, environment))
        return reply

    @property
    def _promise(self) -> str:
        if self._asks:
            return f"Pipelines ask before they write {self.first}, and do not write it while this lasts."
        return f"This holds promotions only: pipelines write {self.first} all the same."

    def _later(self, run: PipelineRun) -> str:
        tag = Reference.parse(run.results.get("image", "")).tag
        return f" The image is built: `/deploy {run.app}@{tag} {self.first}` brings it there later." if tag else ""


def said(held: Iterable[GateResult]) -> str:
    """One sentence after the other: why, and what to do about it."""
    return " ".join(f"{r.verdict.reason} {r.verdict.remedy}".strip() for r in held)


def _plan(app: str, environment: str, image: Image, gates: tuple[str, ...], now: datetime) -> Plan:
    """As gates know it: nobody's promotion of this image to there."""
    move = Move(app, "", OverlayImage(image.repository, image.repository), image, ApplicationRef("", environment))
    return Plan(
        id="",
        kind=Kind.PROMOTION,
        environment=environment,
        source="",
        moves=(move,),
        requester=Person("", ""),
        channel="",
        requested_at=now,
        gates=gates,
        approval=ApprovalRule(),
        seen_commit="",
    )
