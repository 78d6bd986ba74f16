"""Before anybody is asked for an approval: what would go is older than what production has now."""

from bot.domain.intent import Wish
from bot.domain.reply import OlderAsked
from bot.ports import Rendered
from bot.views import facts, layout
from bot.views.card import headline
from bot.views.ids import Action, ImageValue, OlderValue
from bot.views.layout import rendered, section, sentence
from bot.views.queueing import wish_value
from bot.views.words import bold

OPEN = "open"
"""`OlderValue.start` of a wish that waits until nothing holds it"""


def older_asked(reply: OlderAsked) -> Rendered:
    plan = reply.promotion.plan
    said = (
        f"⏬ Nothing has started. {bold(headline(reply.promotion), 300)} goes back to an older image: confirm it first."
    )
    several = sum(bool(move.older) for move in plan.moves) > 1
    go = layout.button(
        f"Deploy the older image{'s' if several else ''}", Action.OLDER, older_value(reply.wish, plan.glass_hash)
    )
    if go is None:
        return sentence(layout.TOO_LONG_TO_PRESS)
    back = ImageValue(plan.app, plan.environment)
    pressed = [go, *([layout.button("Roll back …", Action.WAYS_BACK, back)] if len(plan.apps) == 1 else [])]
    bound = "The press counts for just these images: if they change before it, you are asked again."
    shown = [section(said), section(*facts.older_lines(reply.promotion, len(plan.moves)))]
    return rendered(said, [*shown, *layout.actions(pressed), layout.context(bound)])


def older_value(wish: Wish, shown: str) -> OlderValue:
    """Raises TypeError for a wish that no button asks again."""
    value = wish_value(wish)
    start = wish.start_at.isoformat() if wish.start_at else OPEN if wish.when_open else ""
    return OlderValue(
        value.verb, value.apps, value.environment, value.image, value.source, value.reason, shown, start, wish.if_busy
    )
