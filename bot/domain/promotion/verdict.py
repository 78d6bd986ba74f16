"""What gates answer."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

NOT_ASKED = "Not asked."
"""the reason of a skipped gate that nobody asked: it is not installed, or the journal is of before such were asked"""


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
