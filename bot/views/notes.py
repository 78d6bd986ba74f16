"""One-line messages about a promotion: in its card's thread, in channels that follow it, and to its requester."""

from bot.domain.event import Event
from bot.domain.promotion import Promotion
from bot.ports import Rendered
from bot.views import facts, markdown, turns, words
from bot.views.card import headline, icon
from bot.views.layout import TEXT_LIMIT, rendered, section
from bot.views.state import StateLine, state
from bot.views.words import bold, channel_mention, mention, safe

HEADLINE = 160


def thread_note(promotion: Promotion, event: Event, *, approvers: str = "") -> Rendered:
    """Under the card, so it does not say again what moves where. A failure calls the requester by name."""
    requester = mention(promotion.plan.requester)
    if event is Event.STARTED and (loud := turns.opening_lines(promotion)):
        return _message(loud)
    if event is Event.STARTED:
        why = promotion.plan.reason
        said = f"{icon(promotion)} {requester} started this." + (f" {safe(why, 500)}" if words.clean(why) else "")
        return _message([said])
    now = state(promotion, approvers)
    if event is Event.FAILED:
        return _message([f"{now.emoji} {requester}: {now.sentence}", *_why(promotion)])
    return _message([str(now), *turns.void_lines(promotion)])


def notice(promotion: Promotion, event: Event, *, approvers: str = "") -> Rendered:
    """For a channel that follows the app: whole by itself, and it says where the card is."""
    name = bold(headline(promotion), HEADLINE)
    where = _card_is(promotion)
    if event is Event.STARTED:
        started = f"{icon(promotion)} {mention(promotion.plan.requester)} started {name}. {where}"
        return _message([started, *turns.opening_lines(promotion)])
    now = state(promotion, approvers)
    return _message(
        [f"{now.emoji} {name}: {now.sentence} {where}", *(_why(promotion) if event is Event.FAILED else [])]
    )


def ready(promotion: Promotion, *, approvers: str = "") -> Rendered:
    """To whoever asked to be told when the gates pass; also when it came to something else."""
    now = state(promotion, approvers)
    ended = promotion.phase.final
    said = now.sentence if ended else f"every gate passes. {now.sentence}"
    return _message([f"🔔 {bold(headline(promotion), HEADLINE)}: {said}", _card_is(promotion)])


def reminder(promotion: Promotion, *, approvers: str = "", escalated: bool = False) -> Rendered:
    """To whoever may decide, while nobody has."""
    plan = promotion.plan
    name = bold(headline(promotion), HEADLINE)
    since = words.moment(plan.requested_at, words.DAY_AND_TIME)
    wanted = words.with_mentions(approvers, 600) or "an approver"
    lines = [f"⏰ {name} is still waiting for {wanted}: {mention(plan.requester)} asked {since}."]
    if escalated:
        lines.append(f"Nobody has decided yet. {_card_is(promotion)}")
    return _message(lines)


def alarm(promotion: Promotion, sentence: str, administrators: str) -> Rendered:
    """To the channel and to administrators: something is in the overlays that nobody has approved."""
    name = bold(headline(promotion), HEADLINE)
    told = safe(sentence, TEXT_LIMIT // 2)  # it names paths and people as git has them: nobody is called by those
    who = words.with_mentions(administrators, 600) or "An administrator"
    return _message([f"🚨 {name}: {told}.", f"{who} must look at it now."])


def pull_request_body(promotion: Promotion) -> str:
    """The verdict as Markdown, for the pull request that carries the change."""
    plan, safe = promotion.plan, markdown.safe
    rows = [f"- **{safe(r.gate)}** ({safe(r.app)}): {safe(r.waived or r.verdict.reason)}" for r in promotion.results]
    moves = [
        f"- {safe(m.app)}: {safe(m.label_before)} → {safe(m.after.label)} (`{m.after.digest}`)" for m in promotion.moves
    ]
    people = ", ".join(safe(approval.approver.name) for approval in promotion.approvals) or "nobody had to"
    parts = [
        f"Requested by {safe(plan.requester.name)}; approved by {people}.",
        "\n".join(moves),
        "\n".join(rows),
        f"The reason given: {safe(plan.reason)}" if plan.reason else "",
        f"Promotion-Id: {plan.id}",
    ]
    return "\n\n".join(part for part in parts if part)


def result(promotion: Promotion) -> Rendered:
    """To the requester, when it is over."""
    now: StateLine = state(promotion)
    lines = [f"{now.emoji} Your {bold(headline(promotion), HEADLINE)}: {now.sentence}"]
    return _message([*lines, *_why(promotion), _card_is(promotion)])


def _why(promotion: Promotion) -> list[str]:
    lines = [*facts.trouble_lines(promotion), *facts.reason_lines(promotion), *turns.successor_lines(promotion)]
    if promotion.pull_request and promotion.commit is None:
        lines.append(words.link(promotion.pull_request, "The pull request"))
    return lines


def _card_is(promotion: Promotion) -> str:
    return f"The card is in {channel_mention(promotion.plan.channel)}."


def _message(lines: list[str]) -> Rendered:
    return rendered(lines[0], [section(*lines, limit=TEXT_LIMIT)])
