"""Before anybody is asked for an approval: what would go is older than what production has now."""

from dataclasses import replace

from bot.domain.reply import OlderAsked
from bot.ports import Rendered
from bot.views import facts, layout
from bot.views.card import headline
from bot.views.ids import Action, ImageValue
from bot.views.layout import rendered, section, sentence
from bot.views.queueing import wish_value
from bot.views.words import bold


def older_asked(reply: OlderAsked) -> Rendered:
    plan = reply.promotion.plan
    said = (
        f"⏬ Nothing has started. {bold(headline(reply.promotion), 300)} goes back to an older image: confirm it first."
    )
    several = sum(bool(move.older) for move in plan.moves) > 1
    wish = wish_value(replace(reply.wish, older=plan.glass_hash))
    go = layout.button(f"Deploy the older image{'s' if several else ''}", Action.OLDER, wish)
    if go is None:
        return sentence(layout.TOO_LONG_TO_PRESS)
    back = ImageValue(plan.app, plan.environment)
    pressed = [go, *([layout.button("Roll back …", Action.WAYS_BACK, back)] if len(plan.apps) == 1 else [])]
    bound = "The press counts for just these images: if they change before it, you are asked again."
    shown = [section(said), section(*facts.older_lines(reply.promotion, len(plan.moves)))]
    return rendered(said, [*shown, *layout.actions(pressed), layout.context(bound)])
