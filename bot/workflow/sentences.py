"""What a story says of the gates and of Argo CD, and how long it waits for them. Pure."""

from collections.abc import Iterable
from datetime import timedelta

from bot.domain.application import HealthStatus
from bot.domain.approval import missing
from bot.domain.overlay import Commit
from bot.domain.promotion import Following, GateResult, Progress, Promotion, Verdict
from bot.promotions.follower import Followed
from bot.promotions.signals import Confirmation, Terms

LONGEST_PAUSE = timedelta(minutes=1)


def not_known(promotion: Promotion) -> str:
    """The last push may have arrived, though its answer did not."""
    app, environment = promotion.apps[0], promotion.plan.environment
    return f"Whether the overlay was changed is not known: look at it, and at `/status {app} {environment}`."


def known_now(promotion: Promotion, commit: Commit | None) -> str:
    """The outcome of one that ended in doubt, with what git says by now."""
    before = promotion.outcome.partition(not_known(promotion))[0].strip()
    app, environment = promotion.apps[0], promotion.plan.environment
    if commit:
        now = f"the overlay was changed ({commit.short}), and Argo CD continues with that: see `/status {app}`."
    else:
        now = f"the overlay was not changed. Ask again if {environment} still needs it."
    return f"{before} Git has answered since: {now}".strip()


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


def what_changed(before: Promotion, now: Confirmation) -> str:
    """What gates and policy say now and did not say to the approvers, and who may no longer approve."""
    said = {(result.gate, result.app): result for result in before.results}
    changed = [_changed(r, said.get((r.gate, r.app)), several=len(before.plan.apps) > 1) for r in now.results]
    still = {approval.approver.id for approval in now.approvals}
    lost = [a.approver.name for a in before.approvals if a.approver.id not in still]
    gone = [f"{' and '.join(lost)} may no longer approve"] if lost else []
    told = [*(_asked_since(before, now.terms) if now.terms else []), *filter(None, changed), *gone]
    return "; ".join(told) or "an approver may no longer speak for all of it"


def _asked_since(before: Promotion, terms: Terms) -> list[str]:
    """What policy asks for by now, and did not when people approved."""
    told = []
    if terms.tightened and terms.tightened != before.tightened:
        told.append(f"policy asks for more since: {missing(terms.tightened, ())}")
    if terms.pull_request_since and not before.pull_request_since:
        told.append("policy now requires a pull request")
    return told


def unhealthy(followed: Followed) -> str:
    worst = [f for f in followed.following if f.progress is not Progress.HEALTHY]
    why = " ".join(f"{f.application.name}: {f.explanation or _only_seen(f)}" for f in worst)
    return f"{'Not Healthy in time. ' if followed.timed_out else ''}{why}"


def _only_seen(following: Following) -> str:
    """Where Argo CD gives no reason; "Healthy" would be none."""
    if following.progress is Progress.SYNCING:
        return "its sync is not over"
    return f"it is {following.health}" if following.health not in ("", HealthStatus.HEALTHY) else "no answer"


def _changed(result: GateResult, before: GateResult | None, *, several: bool) -> str:
    said, now = before.verdict if before else None, result.verdict
    if result.waived:
        return ""
    gate = f"{result.gate} of {result.app}" if several else result.gate
    more = result.tightened and result.tightened != (before.tightened if before else "")
    if said and (said.state, said.fingerprint) == (now.state, now.fingerprint):
        return f"policy asks more of the gate {gate} since" if more else ""
    return f"{gate} said {_quoted(said)} and says {_quoted(now)} now"


def _quoted(verdict: Verdict | None) -> str:
    return f"“{verdict.reason.rstrip('.')}”" if verdict else "nothing"


def _sentence(verdict: Verdict) -> str:
    return verdict.reason if verdict.reason.endswith(".") else f"{verdict.reason}."
