"""What holds for an app in an environment: the environment's rules, refined by the app's, on top of the defaults."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

from bot.domain.promotion import ApprovalRule, Quorum
from bot.policy.parts import ApprovalPart, BreakGlassRules, EnvironmentRules, GateOptions, RollbackRules

STANDING_GATES: dict[str, GateOptions] = {"lock": {}, "freeze": {}, "rejected": {}, "application": {}}
"""What people say holds everywhere, where images first arrive too; and nowhere is anything committed for nobody."""
DEFAULT_GATES: dict[str, GateOptions] = {"scan": {}, "health": {}, **STANDING_GATES}
ORDER = "order"
"""What an environment that says production asks besides, wherever it stands: of the environment before it."""
DEFAULT_EXPIRY = timedelta(hours=4)


class Rules:
    """The environment's rules with an app's refinements laid over them."""

    def __init__(
        self, base: EnvironmentRules, own: EnvironmentRules, *, before: str, last: bool, production: bool
    ) -> None:
        """`before` is the environment before this one, "" for the first."""
        self._base = base
        self._own = own
        self._before = before
        self._last = last
        self._production = production

    def gates(self) -> dict[str, dict[str, Any]]:
        """Gate → its options. In the first environment only what always holds, unless policy names more gates.

        Production also asks whether an image has been in the environment before; a policy that names `order` says
        itself in which ones it must have been.
        """
        merged: dict[str, dict[str, Any] | Literal[False]] = dict(DEFAULT_GATES if self._before else STANDING_GATES)
        if self._production and self._before and not any(ORDER in layer.gates for layer in (self._base, self._own)):
            merged[ORDER] = {"environments": (self._before,)}
        for layer in (self._base.gates, self._own.gates):
            for gate, options in layer.items():
                before = merged.get(gate)
                merged[gate] = {**before, **options} if before and options else options
        return {gate: options for gate, options in merged.items() if options is not False}

    def approval(self) -> ApprovalRule:
        """By default, production and the last environment need one approval, and the others none."""
        rule = ApprovalRule(count=1 if self._last or self._production else 0, expires=DEFAULT_EXPIRY)
        return refined(refined(rule, self._base.approval), self._own.approval)

    def rollback(self) -> RollbackRules:
        return self._own.rollback or self._base.rollback or RollbackRules()

    def rollback_approval(self) -> ApprovalRule:
        return refined(self.approval(), self.rollback().approval)

    def break_glass(self) -> BreakGlassRules:
        return self._own.break_glass or self._base.break_glass or BreakGlassRules()

    @property
    def pull_request(self) -> bool:
        return (self._own.mode or self._base.mode) == "pull-request"

    @property
    def follow_timeout(self) -> timedelta:
        return self._own.follow_timeout or self._base.follow_timeout or timedelta(minutes=10)

    @property
    def gate_timeout(self) -> timedelta:
        return self._own.gate_timeout or self._base.gate_timeout or timedelta(hours=1)

    @property
    def argocd(self) -> str:
        return self._own.argocd or self._base.argocd or ""


def refined(rule: ApprovalRule, by: ApprovalPart) -> ApprovalRule:
    said = by.model_dump(exclude_none=True, exclude={"alternatives"})
    if by.alternatives is not None:
        said["alternatives"] = tuple(Quorum(**quorum.model_dump()) for quorum in by.alternatives)
    return replace(rule, **said)


class JointRules:
    """The rules of several apps that change together, in one commit: each waits for the one that takes longest.

    `each`: app → its own rules.
    """

    def __init__(self, each: dict[str, Rules]) -> None:
        self.each = each

    @property
    def pull_request(self) -> bool:
        return any(rules.pull_request for rules in self.each.values())

    @property
    def follow_timeout(self) -> timedelta:
        return max(rules.follow_timeout for rules in self.each.values())

    @property
    def gate_timeout(self) -> timedelta:
        return max(rules.gate_timeout for rules in self.each.values())

    @property
    def watched(self) -> dict[str, timedelta]:
        """App → for how long it is watched, of those that policy rolls back by itself."""
        found = {app: rules.rollback().automatic for app, rules in self.each.items()}
        return {app: window for app, window in found.items() if window is not None}
