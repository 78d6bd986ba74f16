"""Every app of a release train, in a window: a card, and a direct message, have room for some of them."""

from collections.abc import Iterator
from typing import Any

from bot.domain.reply import TrainApps
from bot.views import words
from bot.views.card import headline
from bot.views.facts import commit_lines
from bot.views.layout import context, section
from bot.views.picker import view
from bot.views.rows import row_lines
from bot.views.words import bold

TITLE = "Release train"
TEXT = 2800
"""characters of a block: 3,000 are the limit"""
BLOCKS = 96
"""of 100 (S19)"""


def train_apps(reply: TrainApps) -> dict[str, Any]:
    """The view that `views.update` takes."""
    promotion = reply.promotion
    filled = list(_filled(_lines(reply)))
    rest = sum(block.count("\n• ") + block.startswith("• ") for block in filled[BLOCKS:])
    more = [context(words.more(rest, ""))] if rest else []
    return view(TITLE, "", [section(bold(headline(promotion), 300)), *map(section, filled[:BLOCKS]), *more])


def _lines(reply: TrainApps) -> list[str]:
    """A row for each app, and below it its newest commits."""
    plan = reply.promotion.plan
    rows = row_lines(reply.promotion)
    told = [commit_lines(move) if move.app not in reply.promotion.left_out else [] for move in plan.moves]
    told += [[] for _ in plan.missing]
    return ["\n".join([row, *commits]) for row, commits in zip(rows, told, strict=True)]


def _filled(lines: list[str]) -> Iterator[str]:
    """As many of them in each block as it has room for."""
    block = ""
    for line in lines:
        if block and words.width(block) + words.width(line) >= TEXT:
            yield block
            block = ""
        block = f"{block}\n{line}" if block else line
    if block:
        yield block
