"""What a story says of the gates and of Argo CD, and how long it waits for them. Pure."""

from collections.abc import Iterable
from datetime import timedelta

from bot.domain.application import HealthStatus
from bot.domain.promotion import Approval, Following, GateResult, Progress, Promotion, Verdict
from bot.promotions.follower import Followed

LONGEST_PAUSE = timedelta(minutes=1)


def announced_wait(waiting: tuple[GateResult, ...]) -> timedelta:
    """A wait whose end a gate knows (a soak of hours) is no reason to give up before it is over."""
    longest = max((result.verdict.retry_after or timedelta(0) for result in waiting), default=timedelta(0))
    return longest + LONGEST_PAUSE if longest > LONGEST_PAUSE else timedelta(0)


def pause(waiting: tuple[GateResult, ...]) -> timedelta:
    """Soon enough to be no nuisance; a wait of days is not asked after every minute."""
    soonest = min((r.verdict.retry_after for r in waiting if r.verdict.retry_after), default=LONGEST_PAUSE)
    return max(min(soonest, max(LONGEST_PAUSE, soonest / 20)), timedelta(seconds=1))


def reasons(results: Iterable[GateResult]) -> str:
    return " ".join(f"{result.gate}: {_sentence(result.verdict)}" for result in results)


def what_changed(before: Promotion, results: tuple[GateResult, ...], approvals: tuple[Approval, ...]) -> str:
    """What the gates say now that they did not say to the approvers, and who may not approve any more."""
    said = {(result.gate, result.app): result.verdict for result in before.results}
    changed = [_changed(r, said.get((r.gate, r.app)), several=len(before.plan.apps) > 1) for r in results]
    still = {approval.approver.id for approval in approvals}
    lost = [a.approver.name for a in before.approvals if a.approver.id not in still]
    gone = [f"{' and '.join(lost)} may not approve any more"] if lost else []
    told = [*filter(None, changed), *gone]
    return "; ".join(told) or "an approver may no longer speak for all of it"


def unhealthy(followed: Followed) -> str:
    worst = [f for f in followed.following if f.progress is not Progress.HEALTHY]
    why = " ".join(f"{f.application.name}: {f.explanation or _only_seen(f)}" for f in worst)
    return f"{'Not Healthy in time. ' if followed.timed_out else ''}{why}"


def _only_seen(following: Following) -> str:
    """Where Argo CD gives no reason; "Healthy" would be none."""
    if following.progress is Progress.SYNCING:
        return "its sync is not over"
    return f"it is {following.health}" if following.health not in ("", HealthStatus.HEALTHY) else "no answer"


def _changed(result: GateResult, before: Verdict | None, *, several: bool) -> str:
    now = result.verdict
    if before and (before.state, before.fingerprint) == (now.state, now.fingerprint):
        return ""
    gate = f"{result.gate} of {result.app}" if several else result.gate
    return f"{gate} said {_quoted(before)} and says {_quoted(now)} now"


def _quoted(verdict: Verdict | None) -> str:
    return f"“{verdict.reason.rstrip('.')}”" if verdict else "nothing"


def _sentence(verdict: Verdict) -> str:
    return verdict.reason if verdict.reason.endswith(".") else f"{verdict.reason}."
