"""What somebody may know of. What they may not is answered as if it did not exist."""

from collections.abc import Iterable

from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import UnknownName
from bot.domain.promotion import Promotion
from bot.domain.sentence import quoted
from bot.policy.authorization import binds, may
from bot.policy.model import Policy, covers
from bot.runtime.spelling import did_you_mean


def visible(policy: Policy, caller: Caller, apps: Iterable[str], environment: str = "") -> tuple[str, ...]:
    """Those of the apps that the caller may view there; "" is any environment. Fast for ten thousand apps."""
    if not caller.active:
        return ()
    mine = [b for b in policy.bindings if Permission.VIEW in policy.roles[b.role] and binds(b, caller)]
    mine = [b for b in mine if covers(b, "", environment)]
    if any("*" in binding.apps for binding in mine):
        return tuple(apps)
    named = {app for binding in mine for app in binding.apps}
    return tuple(app for app in apps if app in named)


def shows_all(policy: Policy, caller: Caller, promotion: Promotion) -> bool:
    """Whether the caller may know of every app of a promotion; whoever asked for it does."""
    plan = promotion.plan
    return _asked(caller, promotion) or len(visible(policy, caller, plan.apps, plan.environment)) == len(plan.apps)


def shows_any(policy: Policy, caller: Caller, promotion: Promotion) -> bool:
    """Whether the caller may know of a promotion at all: who may view one app of a train may decide on that one."""
    plan = promotion.plan
    return _asked(caller, promotion) or bool(visible(policy, caller, plan.apps, plan.environment))


def known(policy: Policy, caller: Caller, permission: Permission, app: str) -> bool:
    """Whether the caller may know that there is such an app: to view it, or to do there what they ask for."""
    return may(policy, caller, Permission.VIEW, Target(app)) or may(policy, caller, permission, Target(app))


def no_app(policy: Policy, caller: Caller, app: str, apps: Iterable[str]) -> UnknownName:
    """The same for an app that does not exist and for one that the caller may not view."""
    return UnknownName(f"There is no app {quoted(app, 60)}.{did_you_mean(app, visible(policy, caller, apps))}")


def no_promotion(id: str) -> UnknownName:
    """The same for a promotion that does not exist and for one that the caller may not view."""
    return UnknownName(f"There is no promotion {quoted(id)}: its id is at the foot of its card.")


def no_run(name: str) -> UnknownName:
    """The same for a run that does not exist, was cleaned up, or is of an app that the caller may not view."""
    return UnknownName(
        f"There is no pipeline run `{name[:80]}`, or it has been cleaned up. `/pipeline list` shows the newest."
    )


def _asked(caller: Caller, promotion: Promotion) -> bool:
    return caller.active and bool(caller.id) and caller.id == promotion.plan.requester.id
