"""The promotion card: one message that a promotion lives in, edited in place from the first question to the end."""

from collections.abc import Container, Sequence
from datetime import timedelta

from slack_sdk.models.blocks import Block

from bot.domain.promotion import Kind, Promotion
from bot.domain.safety import Review
from bot.ports import Rendered
from bot.views import facts, layout, turns, words
from bot.views.buttons import buttons
from bot.views.rows import cuts_rows, every_app, rows
from bot.views.state import StateLine, dry_state, state

CAREFUL = frozenset({"production"})
NOT_KEPT = "Nothing has changed and nobody is asked. The same command without `--dry-run` starts it."
"""in the place of the id: a dry run is not written down, so there is nothing to look up"""
JOURNEY = "The journey of this commit"
REASONS_LIMIT, OPENING_LIMIT, STATE_LIMIT, DETAILS_LIMIT = 2500, 1800, 1500, 2500


def card(
    promotion: Promotion,
    *,
    approvers: str = "",
    careful: Container[str] = CAREFUL,
    watched: timedelta | None = None,
    journey: str = "",
    review: Review | None = None,
) -> Rendered:
    """`approvers` says who may approve (default: the rule's roles); its mentions of users and groups are live.
    `journey` links to the message about the commit that it brings, "" where there is none.

    `careful`: the environments in which a press of Approve asks once more; `watched` is how long policy watches what
    has become Healthy. On a phone everything that a decision needs is on the first screen: what moves where, where it
    stands, what speaks against it, and the buttons. What is well comes behind them, folded. The last block is beside
    the colour.
    """
    now = state(promotion, approvers, watched)
    all_apps = every_app(promotion, cut=cuts_rows(promotion))
    pressed = layout.actions([*buttons(promotion, headline(promotion), careful), all_apps])
    commit = [layout.context(words.link(journey, JOURNEY))] if journey else []
    return _message(promotion, now, [*pressed, *rows(promotion, ticks=True)], more=commit, review=review)


def shown(promotion: Promotion) -> Rendered:
    """The card as it is, for one person to look at: without buttons."""
    where = layout.context(f"The card itself is in {words.channel_mention(promotion.plan.channel)}.")
    return _message(promotion, state(promotion), rows(promotion, ticks=False), more=[where])


def dry_run(promotion: Promotion, *, approvers: str = "") -> Rendered:
    """The card as it would be, without buttons."""
    now = dry_state(promotion, approvers)
    return _message(promotion, now, rows(promotion, ticks=False), prefix="🧪 Dry run: ", footer=NOT_KEPT)


def _message(
    promotion: Promotion,
    now: StateLine,
    middle: list[Block],
    *,
    more: Sequence[Block] = (),
    prefix: str = "",
    footer: str = "",
    review: Review | None = None,
) -> Rendered:
    fallback = f"{words.safe(headline(promotion), 300)}: {now.sentence}"
    last = layout.context(*facts.decision_lines(promotion), footer or facts.footer(promotion))
    blocks = [*_top(promotion, now, prefix, review), *middle, *_details(promotion), *more, last]
    return layout.rendered(fallback, blocks, now.color)


def headline(promotion: Promotion) -> str:
    """What moves where, as raw text: "my-app → production · v1.4.1 → v1.4.2"."""
    plan, moves = promotion.plan, promotion.moves
    every, going = len(plan.apps), len({move.app for move in moves})
    apps = plan.apps[0] if every == 1 else words.count(every, "app")
    if going < every:
        apps = f"{going} of {apps}"
    if len(moves) == 1:
        before, after = (words.short_ids(text) for text in (moves[0].label_before, moves[0].after.label))
        change = f"{words.plain(before, 30)} → {words.plain(after, 30)}"
    else:
        change = words.count(len(moves), "image")
    return f"{words.plain(apps, 45)} → {words.plain(plan.environment, 25)} · {change}"


def icon(promotion: Promotion) -> str:
    if promotion.plan.break_glass:
        return "🚨"
    return "⏪" if promotion.plan.kind is Kind.ROLLBACK else "🚀"


def _top(promotion: Promotion, now: StateLine, prefix: str, review: Review | None) -> list[Block]:
    blocks: list[Block] = [layout.header(f"{prefix or icon(promotion) + ' '}{headline(promotion)}")]
    if opening := turns.opening_lines(promotion, review):
        blocks.append(layout.section(*opening, limit=OPENING_LIMIT))
    blocks.append(layout.section(str(now), limit=STATE_LIMIT))
    if reasons := [*turns.void_lines(promotion), *facts.trouble_lines(promotion), *facts.reason_lines(promotion)]:
        blocks.append(layout.section(*reasons, limit=REASONS_LIMIT))
    return blocks


def _details(promotion: Promotion) -> list[Block]:
    blocks: list[Block] = [layout.section(*facts.detail_lines(promotion), limit=DETAILS_LIMIT)]
    if following := turns.successor_lines(promotion):
        blocks.append(layout.section(*following))
    return blocks
