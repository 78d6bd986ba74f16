"""A gate's options when a promotion was asked for, and today's: the stricter of both holds. Pure."""

import hashlib
import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from bot.domain.promotion import Verdict
from bot.evaluation.question import Gate
from bot.evaluation.verdicts import worst

UNREADABLE = "This Pilothouse cannot read the options that this gate had when the promotion was requested."
ASKED_MORE = "Policy asks more of this gate than when the promotion was requested."
ASKED_LESS = "Policy asks less of this gate by now: ask for the promotion again."


class TermsChange(StrEnum):
    """What has become of a gate's options since the plan was made."""

    NONE = "none"
    LOOSER = "looser"
    TIGHTER = "tighter"
    """or neither, as far as the gate can tell"""


@dataclass(frozen=True)
class Both:
    """A gate's options when the plan was made, and today's."""

    then: dict[str, Any]
    today: dict[str, Any]


def compared(gate: Gate | type[Gate], terms: Both) -> TermsChange:
    """Raises ValidationError for options that the gate no longer takes."""
    then, today = gate.options.model_validate(terms.then), gate.options.model_validate(terms.today)
    if then == today:
        return TermsChange.NONE
    return TermsChange.LOOSER if today.ask_no_more_than(then) else TermsChange.TIGHTER


def fingerprint(options: dict[str, Any]) -> str:
    return hashlib.sha256(written(options).encode()).hexdigest()[:16]


def written(options: dict[str, Any]) -> str:
    """As a plan keeps them; a date of YAML becomes its text."""
    return json.dumps(options, sort_keys=True, default=str)


def stricter(then: Verdict, today: Verdict) -> Verdict:
    """What both together come to, saying which policy it is that does not let it pass."""
    both = worst((then, today))
    if then.state is today.state:
        return replace(both, reason=today.reason, remedy=today.remedy, fingerprint=today.fingerprint)
    if both.state is today.state:
        return replace(both, reason=f"{both.reason.rstrip('.')}. {ASKED_MORE}")
    return replace(both, remedy=f"{both.remedy} {ASKED_LESS}".strip())
