"""Where a promotion stands, in one sentence and one colour."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.approval import approved, missing, quorum
from bot.domain.duration import in_words
from bot.domain.promotion import Following, GateResult, Kind, Phase, Progress, Promotion, Stage, VerdictState
from bot.views import words
from bot.views.layout import BLUE, GREEN, RED, YELLOW
from bot.views.words import label, mention, named, safe, short_ids


@dataclass(frozen=True)
class StateLine:
    """`sentence` is finished mrkdwn."""

    emoji: str
    sentence: str
    color: str

    def __str__(self) -> str:
        return f"{self.emoji} {self.sentence}"


def state(promotion: Promotion, approvers: str = "", watched: timedelta | None = None) -> StateLine:
    """`approvers` says who may approve, in the place of the rule's roles; mentions in it are live.

    `watched`: how long what has become Healthy is watched, None where it is not.
    """
    if promotion.phase.final:
        return _final(promotion)
    match promotion.stage:
        case Stage.APPROVAL if approved(promotion):
            return StateLine("⏳", "Asking every gate once more, then writing the change to git.", BLUE)
        case Stage.APPROVAL:
            return StateLine("🚦", _approvals(promotion, approvers), YELLOW)
        case Stage.COMMIT if promotion.rejection:
            then = "Closing the pull request" if promotion.pull_request else "Looking whether git has it already"
            return StateLine("🛑", f"{mention(promotion.rejection.by)} aborted it. {then}.", YELLOW)
        case Stage.COMMIT if promotion.held_up:
            return StateLine("⚠️", f"The pull request is not merged yet. {safe(promotion.held_up, 400)}", YELLOW)
        case Stage.COMMIT if promotion.blocked and not promotion.commit and not _blocking(promotion):
            return _gates(promotion)
        case Stage.COMMIT if promotion.pull_request:
            return StateLine("⏳", "Waiting for the pull request's checks, and for its merge.", BLUE)
        case Stage.COMMIT:
            return StateLine("⏳", "Writing the change to git.", BLUE)
        case Stage.FOLLOW | Stage.DONE:
            return _following(promotion, watched)
        case _:
            return _gates(promotion)


def dry_state(promotion: Promotion, approvers: str = "") -> StateLine:
    """What would happen, for a dry run."""
    if stopped := _blocking(promotion):
        return StateLine("⛔", f"This would be stopped by {_gates_of(stopped)}.", RED)
    if promotion.blocked:
        return StateLine("⏳", f"This would start, and wait for {_gates_of(promotion.blocked)}.", BLUE)
    rule = promotion.rule
    if quorum(rule, ()):
        return StateLine("✅", "This would start at once: no gate is in the way, and no approval is needed.", GREEN)
    if not rule.told_by_count:
        return StateLine("✅", f"No gate is in the way. It would wait for {safe(missing(rule, ()), 400)}.", GREEN)
    asked = "an approval" if rule.count == 1 else words.count(rule.count, "approval")
    return StateLine(
        "✅", f"No gate is in the way. It would wait for {asked} from {_who(promotion, approvers)}.", GREEN
    )


def _gates(promotion: Promotion) -> StateLine:
    if stopped := _blocking(promotion):
        rest = promotion.can_go_without if len(promotion.plan.apps) > 1 else ()
        leave = f" Leave {named(rest)} out, and the rest continues." if rest else ""
        return StateLine("⛔", f"Stopped by {_gates_of(stopped)}.{leave}", YELLOW)
    waiting = promotion.blocked
    if waiting:
        return StateLine("⏳", f"Waiting for {_gates_of(waiting)}. Nothing to do: it continues automatically.", BLUE)
    unasked = [gate for gate in promotion.plan.gates if gate not in {result.gate for result in promotion.results}]
    return StateLine("⏳", f"Asking {words.gates(unasked)}." if unasked else "Getting ready.", BLUE)


def _blocking(promotion: Promotion) -> list[GateResult]:
    return [result for result in promotion.blocked if result.verdict.state is VerdictState.BLOCKED]


def _gates_of(results: Iterable[GateResult]) -> str:
    return words.gates(result.gate for result in results)


def _approvals(promotion: Promotion, approvers: str) -> str:
    rule = promotion.rule
    again = "again " if words.clean(promotion.voided) else ""
    partial = any(approval.voices.keys() < set(promotion.apps) for approval in promotion.approvals if approval.voices)
    if approvers and rule.told_by_count and not partial:
        return f"Waiting {again}for {_left(promotion)} from {words.with_mentions(approvers, 600)}."
    wanted = missing(rule, promotion.approvals)
    ask = f" Ask {words.with_mentions(approvers, 600)}." if approvers else ""
    return f"Waiting {again}for {safe(wanted, 400)}.{ask}"


def _left(promotion: Promotion) -> str:
    given = len({approval.approver.id for approval in promotion.approvals})
    left = max(1, promotion.rule.count - given)
    more = " more" if given else ""
    return f"{left}{more} approvals" if left > 1 else f"one{more} approval" if given else "an approval"


def _who(promotion: Promotion, approvers: str) -> str:
    if approvers:
        return words.with_mentions(approvers, 600)
    return named(promotion.rule.roles, "or") or "anyone who may approve"


def _following(promotion: Promotion, watched: timedelta | None) -> StateLine:
    failed = [following for following in promotion.following if following.progress.failed]
    if failed:
        return StateLine("⚠️", f"{_application_names(failed)} {_trouble(failed, 'in trouble')}.", RED)
    pending = [following for following in promotion.following if following.progress is not Progress.HEALTHY]
    if promotion.following and not pending:
        several = len(promotion.plan.apps) > 1
        return StateLine("👀", f"Healthy{_still_watched(watched, several=several)}.", GREEN)
    if not pending:
        return StateLine("🔄", "Argo CD is looking at the commit.", BLUE)
    first = pending[0]
    told = words.clean(first.explanation)
    doing = {
        Progress.WAITING: f"{{}} {_is(pending)} waiting."
        if told
        else "Waiting for Argo CD to take up the commit for {}.",
        Progress.SYNCING: "Argo CD is syncing {}.",
        Progress.PROGRESSING: f"{{}} {_is(pending)} rolling out.",
    }.get(first.progress, f"{{}} {_is(pending)} on the way.")
    why = f" {words.ended(safe(short_ids(first.explanation), 400))}" if told else ""
    return StateLine("🔄", f"{doing.format(_application_names(pending))}{why}", BLUE)


def _still_watched(watched: timedelta | None, *, several: bool) -> str:
    """Of a release train each app goes by its own policy."""
    if watched is None:
        return ""
    if several:
        up_to = f"apps whose policy says so are watched for up to {in_words(watched)}"
        return f"; {up_to}, and rolled back if they do not stay so"
    return f"; watched for {in_words(watched)}, and rolled back if it does not stay so"


def _application_names(following: list[Following]) -> str:
    return named([one.application.name for one in following], most=3)


def _trouble(failed: list[Following], otherwise: str) -> str:
    kinds = {words.TROUBLE.get(one.progress, "") for one in failed}
    verb = kinds.pop() if len(kinds) == 1 else ""
    return verb or f"{_is(failed)} {otherwise}"


def _is(following: list[Following]) -> str:
    return "is" if len(following) == 1 else "are"


def _final(promotion: Promotion) -> StateLine:
    outcome = safe(short_ids(promotion.outcome), 600) if words.clean(promotion.outcome) else ""
    match promotion.phase:
        case Phase.SUCCEEDED:
            return StateLine("✅", outcome or _success(promotion), GREEN)
        case Phase.ABORTED:
            return StateLine("🛑", outcome or "Aborted. Nothing has changed.", YELLOW)
        case Phase.ERRORED:
            return StateLine(
                "💥", outcome or "Something broke on the way. An administrator finds the id in the log.", RED
            )
        case _:
            return StateLine("❌", _failure(promotion, outcome), RED)


def _success(promotion: Promotion) -> str:
    plan, moves = promotion.plan, promotion.moves
    apps = {move.app for move in moves}
    what = safe(moves[0].app, 60) if len(apps) == 1 else words.count(len(apps), "app")
    if len(moves) == 1:
        what = f"{what} {label(moves[0].after.label, 60)}"
    verb = "is back" if plan.kind is Kind.ROLLBACK else "runs" if len(apps) == 1 else "run"
    return f"{what} {verb} in {safe(plan.environment, 60)}, Synced and Healthy."


def _failure(promotion: Promotion, outcome: str) -> str:
    if promotion.rejection:
        why = promotion.rejection.reason
        return f"Rejected by {mention(promotion.rejection.by)}" + (f": {safe(why, 500)}" if words.clean(why) else ".")
    # The card and its notes tell every reason beside this sentence: it does not say them again.
    if promotion.commit is None and (stopped := _blocking(promotion)):
        return f"Stopped by {_gates_of(stopped)}. Nothing has changed."
    failed = [one for one in promotion.following if one.progress.failed]
    if promotion.commit and failed:
        return f"The change is in git, but {_application_names(failed)} {_trouble(failed, 'unhealthy')}."
    if outcome:
        return outcome
    return "The change is in git, but it did not become Healthy." if promotion.commit else "Stopped."
