"""What a promotion's card tells besides where it stands: moves, fields, reasons, who and when."""

from bot.domain.application import HealthStatus, SyncStatus
from bot.domain.approval import approved
from bot.domain.promotion import (
    Approval,
    Following,
    GateResult,
    Kind,
    Move,
    Progress,
    Promotion,
    SourceCommit,
    Stage,
    Verdict,
    VerdictState,
    VoteKind,
)
from bot.domain.sentence import listed
from bot.views import words
from bot.views.rows import MARKS, first_of_each_range, followed
from bot.views.words import DAY_AND_TIME, bold, code, joined, label, link, mention, moment, safe, short_ids

FIELD_LIMIT = 260
MOST_ELSEWHERE = 5
QUIET = {"lock": "Not locked", "freeze": "No freeze", "rejected": "Not rejected", "alerts": "No alert fires"}
"""what gates answer when the hindrance that they look for is not there"""
FOLDED = frozenset({*QUIET, "application", "health", "order", "pipeline", "soak", "window"})
"""gates of which a tick says it all"""


def detail_lines(promotion: Promotion) -> list[str]:
    """Who asked and what changes, the gates that pass in one line, Argo CD, the reason: finished mrkdwn."""
    plan = promotion.plan
    first = [f"Requested by {mention(plan.requester)}", f"Approvals: {_approvals(promotion)}"]
    if len(plan.moves) == 1:
        first.append(_change(plan.moves[0]))
    brought = commit_lines(plan.moves[0]) if len(plan.moves) == 1 else several_commit_lines(promotion)
    lines = [" · ".join(first), *brought, *_elsewhere(promotion), passed_line(promotion), *_skipped_lines(promotion)]
    if promotion.commit or promotion.following:
        lines.append(f"Argo CD: {_argocd(promotion)}")
    if words.clean(plan.reason) and not (plan.break_glass or plan.automatic):
        lines.append(f"Reason: {safe(plan.reason, FIELD_LIMIT)}")
    return [line for line in lines if line]


def commit_lines(move: Move) -> list[str]:
    """The newest source commits that it brings, and how many more there are."""
    shown = [f"        • {safe(one.subject, 80)} ({safe(one.author, 40)})" for one in move.newest]
    left = move.commits - len(move.newest)
    return [*shown, f"        … and {left} more"] if shown and left > 0 else shown


def several_commit_lines(promotion: Promotion) -> list[str]:
    """Of each app of a train the newest source commit that it brings; of several images of one app the newest few.

    The rows say how many there are.
    """
    first = first_of_each_range(promotion.moves)
    moves = [move for move, once in zip(promotion.moves, first, strict=True) if once and move.newest]
    if len(promotion.plan.apps) == 1:
        several = len(moves) > 1
        return [line for move in moves for line in (_image_commit_lines(move) if several else commit_lines(move))]
    told = [_commit_line(move.newest[0], move.app) for move in moves]
    left = len(told) - MOST_ELSEWHERE
    more = [f"        … and commits of {words.count(left, 'more app')}"] if left > 0 else []
    return [*told[:MOST_ELSEWHERE], *more]


def _image_commit_lines(move: Move) -> list[str]:
    image, left = move.name.rpartition("/")[2], move.commits - len(move.newest)
    more = [f"        … and {left} more in {code(image, 60)}"] if left > 0 else []
    return [*(_commit_line(commit, image) for commit in move.newest), *more]


def _commit_line(commit: SourceCommit, of: str) -> str:
    return f"        • {code(of, 60)} {safe(commit.subject, 80)} ({safe(commit.author, 40)})"


def _elsewhere(promotion: Promotion) -> list[str]:
    """The repository is part of an image's identity: one that changes is told plainly."""
    moves = [move for move in promotion.moves if move.after.repository != move.before.repository]
    told = [
        f"⚠️ From another repository: {code(move.before.repository, 120)} → {code(move.after.repository, 120)}"
        for move in moves
    ]
    more = [f"… and {len(told) - MOST_ELSEWHERE} more from another repository"] if len(told) > MOST_ELSEWHERE else []
    return [*told[:MOST_ELSEWHERE], *more]


def _skipped_lines(promotion: Promotion) -> list[str]:
    """The gates that policy skips, by why; an opening line tells those of broken glass already."""
    plan = promotion.plan
    if plan.break_glass or plan.automatic:
        return []
    by_reason: dict[str, list[str]] = {}
    for gate in plan.gates:
        if gate in plan.skipped_gates:
            by_reason.setdefault(plan.skipped_gates[gate], []).append(safe(words.title(gate), 40))
    return [f"⏭️ Skipped: {listed(gates)} ({safe(why, 200)})" for why, gates in by_reason.items()]


def reason_lines(promotion: Promotion) -> list[str]:
    """Every reason why it may not go on, with its remedy; then what was waived and why."""
    several = len(promotion.plan.apps) > 1
    held = sorted(promotion.blocked, key=lambda one: one.verdict.state is not VerdictState.BLOCKED)
    skipped = promotion.plan.skipped_gates
    unasked = [one for one in promotion.results if one.waived and one.gate not in skipped]
    waived = [one for one in unasked if one.verdict.state is not VerdictState.PASSED]
    against = [_against(one, several) for one in promotion.against]
    reasons = [_reason(one, several) for one in held]
    return [*older_lines(promotion), *reasons, *(_waived(one, several) for one in waived), *against]


def older_lines(promotion: Promotion, most: int = MOST_ELSEWHERE) -> list[str]:
    """A promotion that takes an environment back says so, and by what that is known; a rollback is called one."""
    if promotion.plan.kind is Kind.ROLLBACK or promotion.phase.final:
        return []
    older = [
        f"⏬ *Older than what {safe(promotion.plan.environment, 40)} has now* ({safe(move.label_before, 60)}): "
        f"{safe(move.app, 60)} {label(move.after.label, 60)} {listed(list(move.older))}"
        for move in promotion.moves
        if move.older
    ]
    more = [f"… and {words.count(len(older) - most, 'more image')} older than now"] if len(older) > most else []
    return [*older[:most], *more]


def older_mark(move: Move) -> list[str]:
    """For below its row."""
    return [f"        ⏬ Older: it {listed(list(move.older))}"] if move.older else []


def _against(result: GateResult, several: bool) -> str:
    """A skipped gate that would have said no."""
    verdict = result.verdict
    told = f"⏭️ {_gate_of(result, several)} is skipped; it would have been: {MARKS[verdict.state]} "
    return told + safe(verdict.reason, 300) + (f" {link(verdict.link, 'Details')}" if verdict.link else "")


def brief_lines(promotion: Promotion) -> list[str]:
    """What changes, and the gates that pass: a line for each."""
    move = promotion.moves[0] if len(promotion.moves) == 1 else None
    change = [f"Change: {_change(move)}", *commit_lines(move)] if move and move.revision else []
    change = change if move else several_commit_lines(promotion)
    return [*change, *([passing] if (passing := passed_line(promotion)) else [])]


def passed_line(promotion: Promotion) -> str:
    """The gates that pass, folded into one line; what approvers rely on beyond that is said, too."""
    told, names, idle = [], [], []
    for gate in promotion.plan.gates:
        verdicts = [one.verdict for one in promotion.results if one.gate == gate and one.app not in promotion.left_out]
        passed = all(verdict.state is VerdictState.PASSED for verdict in verdicts)
        if not verdicts or not passed or gate in promotion.plan.skipped_gates:
            continue
        if unasked := [verdict.reason for verdict in verdicts if not verdict.asked]:
            why = f" ({safe(unasked[0], FIELD_LIMIT)})" if words.clean(unasked[0]) else ""
            idle.append(f"{safe(words.title(gate), 40)}{why}")
            continue
        if len(verdicts) == 1 and _says_more(gate, verdicts[0]):
            told.append(f"{safe(words.title(gate), 40)}: {safe(verdicts[0].reason, FIELD_LIMIT - 40)}")
        else:
            names.append(safe(words.title(gate), 40))
    if names:
        several = [names[0], *(name[:1].lower() + name[1:] for name in names[1:])]
        told.append(f"{listed(several)} {'passes' if len(names) == 1 else 'pass'}")
    passing = f"✅ {' · '.join(told)}" if told else ""
    return "\n".join([*([passing] if passing else []), *(f"➖ Not asked: {one}" for one in idle)])


def _says_more(gate: str, verdict: Verdict) -> bool:
    """Whether the verdict is more than a tick: approvers rely on it, or it is not what the gate usually says."""
    if not words.clean(verdict.reason):
        return False
    return bool(verdict.fingerprint) or gate not in FOLDED or verdict.reason != QUIET.get(gate, verdict.reason)


def _reason(result: GateResult, several: bool) -> str:
    verdict = result.verdict
    told = f"{MARKS[verdict.state]} {_gate_of(result, several)}: {safe(short_ids(verdict.reason), 400)}"
    if words.web_address(verdict.link):
        told += f" {link(verdict.link, 'Details')}"
    return f"{told}\n        → {safe(verdict.remedy, 400)}" if words.clean(verdict.remedy) else told


def _waived(result: GateResult, several: bool) -> str:
    said = safe(result.verdict.reason, 250)
    return f"⚠️ {_gate_of(result, several)} is waived: {words.ended(safe(result.waived, 250))} It says: {said}"


def _gate_of(result: GateResult, several: bool) -> str:
    gate = bold(words.title(result.gate), 60)
    return f"{gate} of {safe(result.app, 60)}" if several else gate


def trouble_lines(promotion: Promotion) -> list[str]:
    """What Argo CD says is wrong, application by application."""
    failed = [one for one in promotion.following if one.progress.failed]
    return [
        f"⚠️ {_application(one)} {safe(words.TROUBLE.get(one.progress) or _unwell(one), 60)}: "
        f"{safe(one.explanation or 'Argo CD gives no reason.', 900)}"
        for one in failed
    ]


def _unwell(one: Following) -> str:
    """A failed sync leaves the image before it Healthy: that is not what is wrong."""
    if one.health not in ("", HealthStatus.HEALTHY):
        return f"is {one.health}"
    return f"is {one.sync}" if one.sync not in ("", SyncStatus.SYNCED) else "failed"


def decision_lines(promotion: Promotion) -> list[str]:
    """Who decided, and when."""
    lines = []
    if promotion.approvals and (promotion.phase.final or promotion.stage is not Stage.APPROVAL or approved(promotion)):
        people = [f"{_voice(one)} {moment(one.at)}" for one in promotion.approvals]
        lines.append(f"✅ Approved by {joined(people, 500, ', ')}")
    if promotion.rejection and promotion.rejection.kind is VoteKind.REJECT:
        lines.append(f"❌ Rejected by {mention(promotion.rejection.by)} {moment(promotion.rejection.at)}")
    if promotion.pull_request:
        lines.append(link(promotion.pull_request, _pull_request(promotion.pull_request), 60))
    if promotion.commit:
        lines.append(f"Commit {link(promotion.commit.url, promotion.commit.short, 40)}")
    return lines


def _voice(approval: Approval) -> str:
    """Who approved, and whose roles they lent: a card must not make a stand-in look like somebody with the right."""
    absent = listed([mention(person) for person in approval.behalf])
    return f"{mention(approval.approver)} for {absent}" if absent else mention(approval.approver)


def footer(promotion: Promotion) -> str:
    """The id, and until when the question is open or since when the answer is known."""
    parts = [code(promotion.id, 120)]
    if promotion.finished_at:
        parts.append(f"ended {moment(promotion.finished_at, DAY_AND_TIME)}")
    elif promotion.expires_at and promotion.stage in (Stage.GATES, Stage.APPROVAL) and not approved(promotion):
        parts.append(f"expires {moment(promotion.expires_at, DAY_AND_TIME)}")
    return " · ".join(parts)


def _approvals(promotion: Promotion) -> str:
    plan = promotion.plan
    if plan.break_glass:
        return "none: the glass is broken"
    if not any(quorum.count or quorum.required for quorum in promotion.rule.quorums):
        return "none needed"
    either = len(promotion.rule.quorums) > 1  # then "1/2" would be half of the truth
    given = f"{len(promotion.approvals)} given" if either else f"{len(promotion.approvals)}/{promotion.rule.count}"
    if not promotion.approvals:
        return given
    return f"{given}: {joined([mention(one.approver) for one in promotion.approvals], FIELD_LIMIT, ', ')}"


def _pull_request(url: str) -> str:
    number = url.rstrip("/").rpartition("/")[2]
    return f"Pull request #{number}" if number.isdecimal() else "Pull request"


def _change(move: Move) -> str:
    url = compare_url(move)
    if move.commits >= 0:
        return link(url, words.count(move.commits, "commit"))
    if move.revision and move.revision_before:
        return link(url, f"{move.revision_before[:7]} → {move.revision[:7]}")
    return link(url, f"built from {move.revision[:7]}") if move.revision else "source not known"


def compare_url(move: Move) -> str:
    """The source repository's page of the change, "" where there is none."""
    if not (move.revision and move.revision_before):
        return words.commit_page(move.source, move.revision)
    source = words.repository_page(move.source)
    return f"{source}/compare/{move.revision_before}...{move.revision}" if source else ""


def _argocd(promotion: Promotion) -> str:
    following = promotion.following
    if not following:
        return "not touched yet" if not promotion.commit else "…"
    if len(following) == 1:
        [one] = following
        return f"{followed(one)} {link(one.url, 'Open')}" if one.url else followed(one)
    healthy = sum(one.progress is Progress.HEALTHY for one in following)
    return f"{healthy}/{len(following)} Healthy"


def _application(following: Following) -> str:
    return link(following.url, following.application.name, 80) if following.url else bold(following.application.name)
