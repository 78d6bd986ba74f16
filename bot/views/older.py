"""Before anybody is asked for an approval: what would go is older than what production has now."""

from dataclasses import replace

from bot.domain.promotion import Move
from bot.domain.reply import OlderAsked
from bot.domain.sentence import listed
from bot.ports import Rendered
from bot.views import facts, layout, words
from bot.views.card import headline
from bot.views.ids import Action, ImageValue
from bot.views.layout import rendered, section, sentence
from bot.views.queueing import wish_apps, wish_value
from bot.views.words import bold, code, label, safe

BLOCKS, SIZE = 3, 2500
"""of names, and their characters: a message holds no more; the window names all"""


def older_asked(reply: OlderAsked, opening: str = "Nothing has started.") -> Rendered:
    """`opening` is raw: how it stands."""
    plan = reply.promotion.plan
    name = bold(headline(reply.promotion), 300)
    said = f"⏬ {safe(opening, 200)} {name} goes back to an older image: confirm it first."
    older = [move for move in plan.moves if move.older]
    wish = wish_value(replace(reply.wish, older=plan.glass_hash))
    go = layout.button(f"Deploy the older image{'' if len(older) == 1 else 's'}", Action.OLDER, wish)
    if go is None:
        return sentence(layout.TOO_LONG_TO_PRESS)
    back = ImageValue(plan.apps[0], plan.environment) if len(plan.apps) == 1 else None
    blocks = layout.filled(_lines(reply, older), SIZE)
    pressed = [
        go,
        layout.button("Roll back …", Action.WAYS_BACK, back) if back else None,
        wish_apps(reply.promotion, reply.wish) if len(blocks) > BLOCKS else None,
    ]
    bound = "The button works only for these images: if they change first, you are asked again."
    rest = sum(block.count("\n") + 1 for block in blocks[BLOCKS:])
    more = [layout.context(words.more(rest, ""))] if rest else []
    shown = [section(said), *map(section, blocks[:BLOCKS]), *more]
    return rendered(said, [*shown, *layout.actions(pressed), layout.context(bound)])


def _lines(reply: OlderAsked, older: list[Move]) -> list[str]:
    """One sentence for one image; of several a short line for each, so that many fit."""
    if len(older) == 1:
        return facts.older_lines(reply.promotion)
    return [f"⏬ *Older than what {safe(reply.promotion.plan.environment, 40)} has now:*", *map(_line, older)]


def _line(move: Move) -> str:
    change = f"{label(move.label_before, 60)} → {label(move.after.label, 60)}"
    return f"• {code(move.app, 80)} {change}: it {listed(list(move.older))}"
