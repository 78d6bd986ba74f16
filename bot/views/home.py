"""The bot's Home tab: what waits for its owner, what is under way, unwell and held, and what runs where."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import Block, ButtonElement
from slack_sdk.models.views import View

from bot.domain.delivery import Fact, HealthChanged
from bot.domain.promotion import Promotion, Stage
from bot.domain.queueing import Waiting
from bot.domain.reply import Holds, StatusPage, StatusRow
from bot.domain.safety import Review
from bot.domain.subscription import Subscription
from bot.views import words
from bot.views.card import headline, icon
from bot.views.ids import Action, PromotionValue
from bot.views.layout import button, context, divider, header, rows, section
from bot.views.queueing import later_row
from bot.views.safety import held_rows, review_row
from bot.views.state import state
from bot.views.status import status_blocks, unheard
from bot.views.subscriptions import listed
from bot.views.words import DAY_AND_TIME, bold, channel_mention, code, mention, moment, safe

NOTHING_HELD = Holds((), (), ())
NOT_ASKED = (
    "⚠️ It is not known what waits for your approval: Slack did not answer. Open this tab again in a "
    "minute, or run `/approve`."
)
HOME_BLOCKS = 100
"""blocks of a view at most (S20)"""
SUBSCRIPTIONS = 1200
"""characters"""
SHARES = {"mine": 8, "waiting": 8, "moving": 8, "unwell": 8, "reviews": 5, "held": 8, "later": 5}
"""blocks of each list at most; each may have a header and the number of the rest besides"""
BOARD = 36
"""blocks of the overview at most: it has what the others leave"""
FOOT = 7
"""blocks around the overview: a rule and its header, how many more, two notes, a rule and the examples"""


@dataclass(frozen=True)
class HomeTab:
    """What somebody's tab shows, as far as they may view it.

    `mine`: what waits for their own approval; None where nobody could say. `my_reviews`: those that they may close;
    `reviews`: all that are owed. `page`: which part of all apps the overview is; None for all of them. `unwell`: the
    illnesses that are on record and not over. `later`: what starts later.
    """

    live: Sequence[Promotion] = ()
    overview: Sequence[StatusRow] = ()
    mine: Sequence[Promotion] | None = ()
    my_reviews: Sequence[Review] = ()
    held: Holds = NOTHING_HELD
    unwell: Sequence[Fact] = ()
    later: Sequence[Waiting] = ()
    subscriptions: Sequence[Subscription] = ()
    page: StatusPage | None = None


def home(tab: HomeTab, commands: Sequence[str] = ()) -> dict[str, Any]:
    """The view that `views.publish` takes: what needs its owner first. `commands` are examples of what to type."""
    mine = {one.id for one in tab.mine or ()}
    others = [one for one in tab.live if one.id not in mine]
    waiting = [one for one in others if one.stage is Stage.APPROVAL]
    moving = [one for one in others if one.stage is not Stage.APPROVAL]
    blocks = _for_you(tab)
    blocks += _promotions("waiting", "🚦 Waiting for an approval", waiting, first=len(mine))
    blocks += _promotions("moving", "🔄 On their way", moving, first=len(mine) + len(waiting))
    if not (tab.live or mine):
        blocks.append(section("Nothing that you may view is in progress or waiting for an approval."))
    blocks += _list("unwell", "🔴 Unwell", map(_ill, tab.unwell))
    owed = [one for one in tab.held.reviews if one not in tab.my_reviews]
    blocks += _list("reviews", "👀 Waiting for a review", map(review_row, owed))
    blocks += _list("held", "🔒 Held", held_rows(tab.held))
    blocks += _list("later", "🗓️ Starts later", (later_row(one, at) for at, one in enumerate(tab.later)))
    blocks += _subscriptions(tab.subscriptions)
    blocks += _overview(tab, HOME_BLOCKS - len(blocks) - FOOT)
    if commands:
        blocks += [divider(), context("Try " + " or ".join(code(command) for command in commands[:4]))]
    return dict(View(type="home", blocks=blocks).to_dict())


def _for_you(tab: HomeTab) -> list[Block]:
    """What waits for the owner's yes or review. Where nobody could say, that is said, and not that nothing does."""
    lines = [section(_line(one), accessory=_show(one, index)) for index, one in enumerate(tab.mine or ())]
    rows_ = [*_share("mine", lines), *_share("reviews", map(review_row, tab.my_reviews))]
    if tab.mine is None:
        rows_.append(section(NOT_ASKED))
    return [header("⏳ Waiting for you"), *(rows_ or [section("Nothing waits for you.")])]


def _subscriptions(subscriptions: Sequence[Subscription]) -> list[Block]:
    if not subscriptions:
        return []
    changed = f"{code('/subscriptions')} lists them all, {code('/subscribe')} adds more."
    lines = listed(subscriptions)
    return [header("🔔 Your subscriptions"), section(*lines, limit=SUBSCRIPTIONS), context(changed)]


def _overview(tab: HomeTab, room: int) -> list[Block]:
    shown = status_blocks(tab.overview, glance=True)
    blocks: list[Block] = [divider(), header("What runs where")]
    blocks += rows(shown, spare_blocks=HOME_BLOCKS - min(BOARD, room), budget=6000, most=HOME_BLOCKS)
    blocks += unheard(tab.overview)
    if tab.page and tab.page.count > 1:
        apps = words.count(tab.page.apps, "app")
        first = f"The unwell first, of {apps}" if tab.page.unwell else f"None of {apps} is unwell"
        blocks.append(context(f"{first}. {code('/status')} lists all."))
    if not tab.overview:
        blocks.append(section("No apps are known yet: they are found in the overlay repository."))
    return blocks


def _list(part: str, title: str, blocks: Iterable[Block]) -> list[Block]:
    shown = _share(part, blocks)
    return [header(title), *shown] if shown else []


def _share(part: str, blocks: Iterable[Block]) -> list[Block]:
    return rows(blocks, spare_blocks=HOME_BLOCKS - SHARES[part], budget=3000, most=HOME_BLOCKS)


def _promotions(part: str, title: str, promotions: Sequence[Promotion], first: int) -> list[Block]:
    """`first` is the number of the first button: two of one number are refused in a view (S19)."""
    return _list(
        part, title, (section(_line(one), accessory=_show(one, index)) for index, one in enumerate(promotions, first))
    )


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
