"""What is wanted, before its facts are looked up, and which rules hold for it."""

from dataclasses import dataclass

from bot.domain.approval import together
from bot.domain.environment import Environment
from bot.domain.promotion import ApprovalRule, Kind
from bot.policy import Policy

OF_THE_IMAGE = ("scan", "signature")
"""Gates that a rollback goes past only where it is on record that this very image was Healthy there."""


@dataclass(frozen=True)
class Want:
    """What a plan is made of before its facts are looked up."""

    apps: tuple[str, ...]
    environment: Environment
    kind: Kind
    source: Environment | None = None
    reason: str = ""
    break_glass: bool = False
    nearest: bool = False
    """whether nobody named `source`: an app that is not there comes from the nearest earlier environment that has it"""
    on_record: bool = True
    """of a rollback: whether a promotion saw just these images Healthy there"""


def approval_rule(policy: Policy, apps: tuple[str, ...], want: Want) -> ApprovalRule:
    """What the rules of all of the apps ask for, together; a rollback may ask less only for what ran there."""
    rules = {app: policy.rules(app, want.environment.name) for app in apps}
    back = want.kind is Kind.ROLLBACK and want.on_record
    return together({app: r.rollback_approval() if back else r.approval() for app, r in rules.items()})


def skipped_gates(policy: Policy, apps: tuple[str, ...], want: Want) -> dict[str, str]:
    """Gates that policy does not ask here, for every one of the apps."""
    rules = [policy.rules(app, want.environment.name) for app in apps]
    gates: dict[str, str] = {}
    if want.kind is Kind.ROLLBACK:
        named = set.intersection(*(set(r.rollback().skip_gates) for r in rules))
        asked = () if want.on_record else OF_THE_IMAGE
        gates |= dict.fromkeys(sorted(named.difference(asked)), "policy skips it for a rollback")
    if want.break_glass:
        named = set.intersection(*(set(r.break_glass().skip_gates) for r in rules))
        gates |= dict.fromkeys(sorted(named), f"the glass was broken: {want.reason}")
    return gates
