"""A promotion's question to one approver, as a direct message: the essence of its card, and the buttons that decide."""

from collections.abc import Container

from slack_sdk.models.blocks import Block, ButtonElement

from bot.domain.approval import approved
from bot.domain.promotion import Kind, Promotion, Stage
from bot.domain.reply import ApprovalRequests
from bot.domain.sentence import listed
from bot.ports import Rendered
from bot.views import facts, layout, turns, words
from bot.views.buttons import decide
from bot.views.card import JOURNEY, headline, icon
from bot.views.layout import rows, section
from bot.views.rows import every_app, row_lines
from bot.views.state import state
from bot.views.words import bold, channel_mention, code, mention, moment, safe

MUTE = "/pilothouse mute"
MOST_ROWS = 10
"""images of a train that are named; a button shows all of its apps"""
ASKED_LIMIT = 2500


def approval_request(
    promotion: Promotion, link: str, careful: Container[str], *, again: bool = False, journey: str = ""
) -> Rendered:
    """`link` leads to the card, `journey` to the message about the commit; "" where there is none. `again`: a reminder.

    Once it is decided, by whomever and wherever, it says so and has no buttons.
    """
    title = bold(headline(promotion), 160)
    way = [words.link(journey, JOURNEY)] if words.web_address(journey) else []
    card = ButtonElement(text="Open", url=link, action_id="promotion.open") if words.web_address(link) else None
    if promotion.phase.final or promotion.stage is not Stage.APPROVAL or approved(promotion):
        said = f"{icon(promotion)} {title}\n{_stands(promotion)}"
        return layout.rendered(said, [section(said), *layout.actions([card]), layout.context(*way, _where(promotion))])
    said = _asks(promotion, again=again)
    pressed = [*decide(promotion, headline(promotion), careful), card, _every_app(promotion, said)]
    blocks: list[Block] = [section(said, *_about(promotion), limit=ASKED_LIMIT), *layout.actions(pressed)]
    last = f"{_where(promotion)} · {code(MUTE)} ends these messages"
    return layout.rendered(said, [*blocks, layout.context(*way, last)])


def approval_requests(reply: ApprovalRequests) -> Rendered:
    """What waits for the asker's yes: with the buttons where it is one promotion, else each with the words to type."""
    if not reply.promotions:
        return layout.sentence("No promotion waits for your approval.")
    if len(reply.promotions) == 1:
        (promotion,) = reply.promotions
        said = _asks(promotion)
        pressed = [*decide(promotion, headline(promotion), reply.careful), _every_app(promotion, said)]
        blocks: list[Block] = [section(said, *_about(promotion), limit=ASKED_LIMIT), *layout.actions(pressed)]
        return layout.rendered(said, [*blocks, layout.context(_where(promotion))])
    lines = [section(f"{_asks(one)}\n{code(f'/approve {one.id}', 150)}") for one in reply.promotions]
    said = f"{len(reply.promotions)} promotions wait for your approval. Name one of them."
    return layout.rendered(said, [section(said), *rows(lines)])


def _asks(promotion: Promotion, *, again: bool = False) -> str:
    asker = mention(promotion.plan.requester)
    way = " of a rollback" if promotion.plan.kind is Kind.ROLLBACK else ""
    waits = f"{asker} {'still waits' if again else 'asks'} for your approval{way}"
    why = f": {safe(promotion.plan.reason, 300)}" if words.clean(promotion.plan.reason) else "."
    return f"{'⏰' if again else icon(promotion)} {bold(headline(promotion), 160)}\n{waits}{why}"


def _about(promotion: Promotion) -> list[str]:
    told = row_lines(promotion) if len(promotion.plan.apps) > 1 or len(promotion.moves) > 1 else []
    more = [f"… and {words.count(len(told) - MOST_ROWS, 'more image')}"] if len(told) > MOST_ROWS else []
    return [
        *told[:MOST_ROWS],
        *more,
        *turns.void_lines(promotion),
        *facts.reason_lines(promotion),
        *facts.brief_lines(promotion),
    ]


def _every_app(promotion: Promotion, said: str) -> ButtonElement | None:
    """Where `said` and `_about` do not name all of them."""
    told = [said, *_about(promotion)]
    cut = len(row_lines(promotion)) > MOST_ROWS or words.joined(told, ASKED_LIMIT) != "\n".join(told)
    return every_app(promotion, cut=cut)


def _stands(promotion: Promotion) -> str:
    """While it goes on: who decided, once. Its way is told on the card."""
    if promotion.phase.final or (promotion.stage in (Stage.GATES, Stage.APPROVAL) and not approved(promotion)):
        return str(state(promotion))
    people = listed([mention(one.approver) for one in promotion.approvals])
    return f"✅ Approved by {people}. Its card shows what happens next." if people else str(state(promotion))


def _where(promotion: Promotion) -> str:
    where = f"{code(promotion.id, 120)} in {channel_mention(promotion.plan.channel)}"
    if promotion.expires_at and not promotion.phase.final:
        return f"{where} · until {moment(promotion.expires_at, words.DAY_AND_TIME)}"
    return where
