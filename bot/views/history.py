"""What changed, newest first; and what somebody may do."""

from collections.abc import Sequence

from slack_sdk.models.blocks import Block

from bot.domain.promotion import Kind, Move, Phase, Promotion
from bot.domain.reply import Abilities, Ability, ChangeHistory, Grant, Identity
from bot.domain.sentence import listed
from bot.domain.slack_id import as_name
from bot.ports import Rendered
from bot.views import deliveries, words
from bot.views.ids import Action, ImageValue
from bot.views.layout import actions, button, context, header, rendered, rows, section, sentence
from bot.views.rows import first_of_each_range
from bot.views.words import (
    DAY_AND_TIME,
    bold,
    code,
    commits_named,
    label,
    link,
    mention,
    moment,
    safe,
    short_ids,
    with_mentions,
)

PAGE = 9000
"""characters of a page; Slack refuses a message somewhere above 10,000"""
MOST_IMAGES = 3
"""of a change, whose commits are told"""
RESULTS = {
    Phase.SUCCEEDED: "✅",
    Phase.FAILED: "❌",
    Phase.ERRORED: "💥",
    Phase.ABORTED: "🛑",
    Phase.RUNNING: "🔄",
    Phase.PENDING: "⏳",
}


def history(reply: ChangeHistory) -> Rendered:
    where = f"{safe(reply.app, 120)}{f' in {safe(reply.environment, 80)}' if reply.environment else ''}"
    entries = [(one.plan.requested_at, _entry(one, reply)) for one in reply.promotions]
    entries += [(one.at, deliveries.entry(one)) for one in reply.others]
    entries += [(one.at, deliveries.trouble(one)) for one in reply.troubles]
    if not entries and reply.page > 1:
        return sentence(f"The history of {where} has no page {reply.page}.")
    if not entries:
        return sentence(f"Nothing has been promoted for {where} yet. {_known(reply)}")
    title = f"History of {where}"
    newest = [text for _, text in sorted(entries, key=lambda one: one[0], reverse=True)]
    blocks = [section(*text.split("\n"), limit=PAGE // len(newest) - 1) for text in newest]
    return rendered(title, [header(title), *rows(blocks, budget=PAGE), *_foot(reply)])


def _foot(reply: ChangeHistory) -> list[Block]:
    """How much this is, what leads to the rest, and what is known."""
    steps = [("Newer", reply.page - 1)] if reply.page > 1 else []
    steps += [("Older", reply.page + 1)] if reply.more else []
    pressed = [
        button(step, Action.HISTORY.numbered(index), ImageValue(reply.app, reply.environment, str(page)))
        for index, (step, page) in enumerate(steps)
    ]
    typed = " ".join(filter(None, ("/history", reply.app, reply.environment, "--page N")))
    numbered = f"Page {reply.page} · {code(typed, 200)} · " if steps else ""
    return [*actions(pressed), context(numbered + _known(reply))]


def _known(reply: ChangeHistory) -> str:
    if reply.known_since is None:
        return "Changes by hand and by the pipeline are not known: the overlay repository has not been read yet."
    return f"Changes by hand and by the pipeline are known since {moment(reply.known_since, DAY_AND_TIME)}."


def _entry(promotion: Promotion, reply: ChangeHistory) -> str:
    plan, recorded = promotion.plan, reply.commits.get(promotion.id)
    moves = [move for move in plan.moves if move.app == reply.app]
    images = _images(promotion, reply.app)
    if reply.app in promotion.left_out:  # what became of the train, and who approved that, is of the others
        asked = f"{mention(plan.requester)} {moment(plan.requested_at, DAY_AND_TIME)} · {code(promotion.id, 40)}"
        return f"➖ {bold(plan.environment, 80)} {images} · left out of a release train\n{asked}"
    verb = " · rollback" if plan.kind is Kind.ROLLBACK else ""
    glass = " · 🔨 break-glass" if plan.break_glass else ""
    first = f"{RESULTS[promotion.phase]} {bold(plan.environment, 80)} {images}{verb}{glass} · {promotion.phase}"
    approved = listed([mention(approval.approver) for approval in promotion.approvals[:4]])
    who = f"{mention(plan.requester)} {moment(plan.requested_at, DAY_AND_TIME)}"
    who += f" · approved by {approved}" if approved else ""
    commit = f" · {link(promotion.commit.url, promotion.commit.short, 40)}" if promotion.commit else ""
    lines = [first, f"{who}{commit} · {code(promotion.id, 40)}"]
    lines += deliveries.commits(recorded) if recorded else _commits(moves)
    if promotion.phase not in (Phase.SUCCEEDED, Phase.RUNNING) and words.clean(promotion.outcome):
        lines.append(safe(short_ids(promotion.outcome), 300))
    return "\n".join(lines)


def _images(promotion: Promotion, app: str) -> str:
    """What was to move of the app, or could not."""
    moves = [move for move in promotion.plan.moves if move.app == app]
    gone = [one for one in promotion.plan.missing if one.app == app]
    told = [_change(move, several=len(moves) > 1) for move in moves]
    told += [f"{label(one.label_before)} → {label(one.label)}" for one in gone]
    return words.joined(told, 400, ", ")


def _commits(moves: Sequence[Move]) -> list[str]:
    """The source commits that they bring, as it was planned."""
    first = first_of_each_range(moves)
    told = [move for move, once in zip(moves, first, strict=True) if once and move.commits > 0]
    return [_brought(move, several=len(moves) > 1) for move in told[:MOST_IMAGES]]


def _brought(move: Move, *, several: bool) -> str:
    image = f"{safe(move.name.rpartition('/')[2], 60)}: " if several else ""
    subjects = [commit.subject for commit in move.newest]
    return f"{image}{commits_named(move.commits, subjects, [as_name(commit.author) for commit in move.newest])}"


def _change(move: Move, *, several: bool) -> str:
    name = f"{safe(move.name.rpartition('/')[2], 60)} " if several else ""
    return f"{name}{label(move.label_before)} → {label(move.after.label)}"


def identity(reply: Identity) -> Rendered:
    caller = reply.caller
    state = [
        word
        for word, so in (
            ("deactivated", not caller.active),
            ("a guest", caller.guest),
            ("an app", caller.bot),
            ("of another workspace", caller.foreign),
        )
        if so
    ]
    name = f"You are {mention(caller.person)} ({safe(caller.person.email or 'no e-mail address is known', 120)}"
    lines = [f"{name}{', ' + ', '.join(state) if state else ''})."]
    groups = sorted(group for group in caller.groups if not group.isupper())
    lines.append(f"User groups: {words.named([f'@{group}' for group in groups]) or 'none'}.")
    lines += [_grant(grant) for grant in reply.grants]
    if not reply.grants:
        helpers = with_mentions(reply.helpers, 400) if reply.helpers else "the people who keep pilothouse.yaml"
        lines.append(f"You have no role yet: ask {helpers} for one.")
    lines += [
        f"You stand in for {mention(one.absent)} until {moment(one.until, DAY_AND_TIME)}." for one in reply.delegations
    ]
    shown: list[Block] = [section(*lines), context(f"{code('/pilothouse can APP ENV')} shows what you may do there.")]
    return rendered(lines[0], shown)


def _grant(grant: Grant) -> str:
    scope = f"{_scope(grant.apps, 'every app')} in {_scope(grant.environments, 'every environment')}"
    return f"{bold(grant.role)} for {scope}: {words.named([str(one) for one in grant.permissions], most=12)}"


def _scope(names: Sequence[str], every: str) -> str:
    return every if "*" in names else words.named(list(names))


def abilities(reply: Abilities) -> Rendered:
    title = f"You and {safe(reply.app, 120)} in {safe(reply.environment, 80)}"
    return rendered(title, [header(title), section(*(_ability(one) for one in reply.abilities))])


def _ability(one: Ability) -> str:
    if one.roles:
        return f"✅ {code(one.permission)} as {words.named(list(one.roles))}"
    return f"❌ {code(one.permission)} {words.with_mentions(one.who_could, 400)}"
