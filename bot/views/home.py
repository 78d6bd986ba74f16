"""The bot's Home tab: what waits for a decision, what is on its way, and what runs where."""

from collections.abc import Iterable, Sequence
from typing import Any

from slack_sdk.models.blocks import Block, ButtonElement
from slack_sdk.models.views import View

from bot.domain.delivery import Fact, HealthChanged
from bot.domain.promotion import Promotion, Stage
from bot.domain.reply import StatusPage, StatusRow
from bot.domain.safety import Review
from bot.domain.subscription import Subscription
from bot.views import words
from bot.views.card import headline, icon
from bot.views.ids import Action, PromotionValue
from bot.views.layout import button, context, divider, header, rows, section
from bot.views.safety import review_row
from bot.views.state import state
from bot.views.status import status_blocks, unheard
from bot.views.subscriptions import listed
from bot.views.words import DAY_AND_TIME, bold, channel_mention, code, mention, moment, safe

HOME_BLOCKS = 100
SUBSCRIPTIONS = 1200
"""characters"""
SHARES = {"unwell": 10, "promotions": 15, "reviews": 10, "board": 36}
"""blocks of each part at most (both lists of promotions have one): with headers, rules and hints they fit in a view"""


def home(
    live: Sequence[Promotion],
    board: Sequence[StatusRow],
    *,
    commands: Sequence[str] = (),
    page: StatusPage | None = None,
    reviews: Sequence[Review] = (),
    unwell: Sequence[Fact] = (),
    subscriptions: Sequence[Subscription] = (),
) -> dict[str, Any]:
    """The view that `views.publish` takes. `commands` are examples of what to type.

    `page`: which part of all apps the board is; None for all of them. `reviews` are still owed.
    `unwell`: the illnesses that are on record and not over. `subscriptions`: of whose tab it is.
    """
    waiting = [one for one in live if one.stage is Stage.APPROVAL]
    moving = [one for one in live if one.stage is not Stage.APPROVAL]
    blocks: list[Block] = []
    if unwell:
        blocks += [header("🔴 Unwell"), *_share("unwell", map(_ill, unwell), budget=3000)]
    blocks += _promotions("🚦 Waiting for an approval", waiting)
    blocks += _promotions("🔄 On their way", moving, first=len(waiting))
    if reviews:
        blocks += [header("👀 Waiting for a review"), *_share("reviews", map(review_row, reviews), budget=3000)]
    if not live:
        blocks.append(section("Nothing that you may view is in progress or waiting for an approval."))
    if subscriptions:
        changed = f"{code('/subscriptions')} lists them all, {code('/subscribe')} adds more."
        blocks.append(section(*(f"🔔 {line}" for line in listed(subscriptions)), limit=SUBSCRIPTIONS))
        blocks.append(context(changed))
    blocks += [divider(), header("What runs where")]
    blocks += [*_share("board", status_blocks(board, glance=True), budget=6000), *unheard(board)]
    if page and page.count > 1:
        apps = words.count(page.apps, "app")
        first = f"The unwell first, of {apps}" if page.unwell else f"None of {apps} is unwell"
        blocks.append(context(f"{first}. {code('/status')} lists all."))
    if not board:
        blocks.append(section("No apps are known yet: they are found in the overlay repository."))
    if commands:
        blocks += [divider(), context("Try " + " or ".join(code(command) for command in commands[:4]))]
    return dict(View(type="home", blocks=blocks).to_dict())


def _share(part: str, blocks: Iterable[Block], *, budget: int) -> list[Block]:
    return rows(blocks, spare_blocks=HOME_BLOCKS - SHARES[part], budget=budget, most=HOME_BLOCKS)


def _promotions(title: str, promotions: Sequence[Promotion], first: int = 0) -> list[Block]:
    """`first` is the number of the first button: two of one number are refused in a view (S19)."""
    if not promotions:
        return []
    lines = [section(_line(one), accessory=_show(one, index)) for index, one in enumerate(promotions, first)]
    return [header(title), *_share("promotions", lines, budget=4000)]


def _show(promotion: Promotion, index: int) -> ButtonElement | None:
    return button("Show it", Action.SHOW.numbered(index), PromotionValue(promotion.id, ""))


def _ill(fact: Fact) -> Block:
    assert isinstance(fact.detail, HealthChanged)
    what, since = safe(fact.detail.status, 40), moment(fact.at, DAY_AND_TIME)
    lines = [f"{bold(fact.app, 80)} in {bold(fact.environment, 80)} has been {what} since {since}."]
    if fact.detail.resource or fact.detail.message:
        lines.append(safe(": ".join(filter(None, (fact.detail.resource, fact.detail.message))), 300))
    return section(*lines)


def _line(promotion: Promotion) -> str:
    asked = f"requested by {mention(promotion.plan.requester)} in {channel_mention(promotion.plan.channel)}"
    return f"{icon(promotion)} {bold(headline(promotion), 200)} · {asked}\n{state(promotion).sentence}"
