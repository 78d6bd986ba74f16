"""Before the glass is broken: what exactly that skips."""

from dataclasses import replace

from bot.domain.promotion import Promotion
from bot.domain.reply import GlassAsked
from bot.domain.sentence import listed
from bot.ports import Rendered
from bot.views import facts, layout
from bot.views.card import headline
from bot.views.ids import Action
from bot.views.layout import rendered, section, sentence
from bot.views.queueing import unchanged, wish_apps, wish_value
from bot.views.rows import cuts_rows, rows
from bot.views.words import bold, gates, named, safe

MOST = 20
"""gates that are named: more than there are"""


def glass_asked(reply: GlassAsked) -> Rendered:
    what, plan = bold(headline(reply.promotion), 300), reply.promotion.plan
    skipped = skipped_by(reply.promotion)
    said = f"🔨 Nothing has started. Breaking the glass for {what} skips {named(skipped, most=MOST)}. The channel "
    said += f"sees it, and somebody else must review it.{unchanged(reply.wish.beside(plan.apps), plan.environment)} "
    said += f"Reason: {safe(reply.wish.reason, 600)}"
    about = f"{headline(reply.promotion)}. This skips {listed(list(skipped))}."
    ask = layout.confirm("Break the glass?", about, "Break the glass", "Never mind")
    wish = wish_value(replace(reply.wish, shown=reply.promotion.plan.glass_hash))
    go = layout.button("Break the glass", Action.BREAK_GLASS, wish, style="danger", confirm=ask)
    if go is None:
        return sentence(layout.TOO_LONG_TO_PRESS)
    bound = "The button works only for these images and gates: if they change first, you are asked again."
    against = [section(*lines)] if (lines := facts.reason_lines(reply.promotion)) else []
    shown = [section(said), *against, *rows(reply.promotion, ticks=False)]
    pressed = [go, wish_apps(reply.promotion, reply.wish) if cuts_rows(reply.promotion, ticks=False) else None]
    blocks = [*shown, *layout.actions(pressed), layout.context(bound)]
    return rendered(said, blocks)


def skipped_by(promotion: Promotion) -> tuple[str, ...]:
    """The approval first; locks and freezes under their own names; then the other gates that policy lets one skip."""
    skipped = promotion.plan.skipped_gates
    own = {"lock": "locks", "freeze": "freezes"}
    rest = [gate for gate in skipped if gate not in own]
    return ("the approval", *(own[gate] for gate in skipped if gate in own), *([gates(rest)] if rest else []))
