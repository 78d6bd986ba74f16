"""Every app of a release train, in a window: a card, and a direct message, have room for some of them."""

from typing import Any

from bot.domain.promotion import Promotion
from bot.domain.reply import TrainApps
from bot.views import words
from bot.views.card import headline
from bot.views.facts import commit_lines, older_mark
from bot.views.layout import context, filled, section
from bot.views.picker import view
from bot.views.rows import first_of_each_range, row_lines
from bot.views.words import bold

TITLE = "Release train"
BLOCKS = 95
"""of 100 (S19)"""


def train_apps(reply: TrainApps) -> dict[str, Any]:
    """The view that `views.update` takes. Of apps that the reader may not know of it says how many there are."""
    promotion, hidden = reply.promotion, len(reply.promotion.plan.apps) - len(reply.seen)
    blocks = filled(_lines(promotion, reply.seen))
    rest = sum(block.count("\n• ") + block.startswith("• ") for block in blocks[BLOCKS:])
    more = [context(words.more(rest, ""))] if rest else []
    if hidden:
        more.append(context(f"{words.count(hidden, 'more app')} that you may not view."))
    return view(TITLE, "", [section(bold(headline(promotion), 300)), *map(section, blocks[:BLOCKS]), *more])


def _lines(promotion: Promotion, seen: tuple[str, ...]) -> list[str]:
    """A row for each image, and below it what is older about it and its newest commits."""
    plan = promotion.plan
    apps = [*(move.app for move in plan.moves), *(one.app for one in plan.missing)]
    first = first_of_each_range(plan.moves)
    below = [
        [*older_mark(move), *(commit_lines(move) if once else [])] if move.app not in promotion.left_out else []
        for move, once in zip(plan.moves, first, strict=True)
    ]
    below += [[] for _ in plan.missing]
    rows = zip(apps, row_lines(promotion), below, strict=True)
    return ["\n".join([row, *more]) for app, row, more in rows if app in seen]
