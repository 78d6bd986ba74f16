"""Two promotions of one app to one environment: what the second person is told, and what they can do about it."""

from collections.abc import Sequence
from dataclasses import replace
from functools import singledispatch

from slack_sdk.models.blocks import ButtonElement, SectionBlock

from bot.domain.caller import Person
from bot.domain.identity import promotion_id
from bot.domain.intent import BreakingWish, Deploy, Promote, Rollback, Wish
from bot.domain.promotion import Promotion
from bot.domain.queueing import CLOSING, Waiting, what
from bot.domain.reply import Occupied, Postponed, Queued, Scheduled, Unhindered
from bot.ports import Rendered
from bot.views import layout, words
from bot.views.card import headline
from bot.views.ids import OPEN, Action, PromotionValue, WishValue
from bot.views.layout import rendered, section, sentence
from bot.views.state import state
from bot.views.words import DAY_AND_TIME, bold, channel_mention, code, ended, mention, moment, safe, with_mentions


def occupied(reply: Occupied) -> Rendered:
    other, wish = reply.promotion, wish_value(reply.wish)
    at_once = reply.wish.breaks_glass
    said = safe(reply.sentence, 600)
    first = f"{headline(other)}, requested by {other.plan.requester.name}," if other else "The promotion in progress"
    ask = layout.confirm("Replace it?", f"{first} is aborted, and yours starts.", "Replace it", "Leave it")
    pressed = [
        *([layout.button("Show it", Action.SHOW, PromotionValue(other.id, ""))] if other else []),
        *([] if at_once else [layout.button("Queue behind it", Action.QUEUE, wish)]),
        layout.button("Notify me when ready", Action.NOTIFY, wish),
        layout.button("Replace it", Action.REPLACE, wish, style="danger", confirm=ask),
    ]
    flags = code("--replace") if at_once else f"{code('--queue')} or {code('--replace')}"
    typed = f"Or type the command again with {flags}."
    return rendered(said, [section(said), *layout.actions(pressed), layout.context(typed)])


def queued(reply: Queued) -> Rendered:
    other = bold(headline(reply.behind), 300) if reply.behind else "the promotion in progress"
    instead = _instead(reply.instead_of)
    if reply.replacing:
        then = "yours starts when that has ended, and you get a message."
        return sentence(f"Pilothouse aborts {other}, as you asked; {then}{instead}")
    if reply.behind is None:
        return sentence(f"Yours starts when the promotion in progress has ended, and you get a message.{instead}")
    now = state(reply.behind).sentence
    return sentence(f"Yours starts when {other} has ended, and you get a message.{instead} Where it stands now: {now}")


def unchanged(apps: Sequence[str], environment: str) -> str:
    """That apps which were named do not come along, for there is nothing to change; "" for none."""
    if not apps:
        return ""
    its = (
        "is left out: {} already pins its image in git."
        if len(apps) == 1
        else "are left out: {} already pins their images in git."
    )
    return f" {words.named(apps)} {its.format(safe(environment, 60))}"


def starts_soon(waiting: Waiting) -> Rendered:
    at = moment(waiting.wish.start_at, DAY_AND_TIME) if waiting.wish.start_at else "soon"
    said = f"⏰ {bold(what(waiting.wish), 300)} starts {at}, as you asked."
    return rendered(said, [section(said), *layout.actions([_cancel(waiting.wish)])])


def postponed(reply: Postponed) -> Rendered:
    name, wish = bold(headline(reply.promotion), 300), reply.wish
    if wish.notify:
        return _notified(reply)
    if wish.start_at:
        when = f"starts {moment(wish.start_at, DAY_AND_TIME)}"
    else:
        gates = list(dict.fromkeys(result.gate for result in reply.promotion.blocked))
        when = f"starts as soon as nothing holds it back: right now {_does(gates)}"
    said = f"🗓️ {name} {when}. Every gate is asked again then, and it needs its approvals as usual."
    if not wish.named_image and (source := reply.promotion.plan.source):
        said += f" It takes what {safe(source, 60)} has in git at that time. To decide now, name an image."
    plan = reply.promotion.plan
    said += unchanged(wish.beside(plan.apps), plan.environment) + _instead(reply.instead_of)
    return rendered(
        said,
        [
            section(said),
            *layout.actions([_cancel(wish)]),
            layout.context(f"{code('/schedule')} lists what starts later, and cancels it."),
        ],
    )


def _notified(reply: Postponed) -> Rendered:
    """Where no gate keeps it, something is under way there."""
    gates = [result.gate for result in reply.promotion.blocked if result.gate in CLOSING]
    why = _does(gates) if gates else "another promotion does"
    name = bold(headline(reply.promotion), 300)
    said = f"🔔 You get a message when nothing holds {name} back: right now {why}. Nothing starts before you say so."
    said += _instead(reply.instead_of)
    return rendered(said, [section(said), *layout.actions([_cancel(reply.wish)])])


def _does(gates: Sequence[str]) -> str:
    names = list(dict.fromkeys(gates))
    return f"{words.gates(names)} {'does' if len(names) == 1 else 'do'}"


def unhindered(reply: Unhindered) -> Rendered:
    """It can go; the press asks for it, and queues it behind what somebody else may have started since."""
    name, gates = bold(headline(reply.promotion), 300), [result.gate for result in reply.promotion.blocked]
    said = f"🔔 Nothing holds {name} back now."
    if gates:  # that do not open by themselves: to wait for them is no use
        said = f"🔔 No lock, freeze, sync window or soak holds {name} back now, but {_does(gates)}."
    label = "Roll back" if isinstance(reply.wish, Rollback) else "Deploy"
    wish = wish_value(replace(reply.wish, when_open=False, notify=False))
    return rendered(said, [section(said), *layout.actions([layout.button(label, Action.QUEUE, wish)])])


def scheduled(reply: Scheduled) -> Rendered:
    if not reply.waiting:
        return sentence("Nothing is scheduled, and nothing is queued.")
    title = "What starts later"
    return rendered(
        title, [layout.header(title), *layout.rows(later_row(one, at) for at, one in enumerate(reply.waiting))]
    )


def later_row(waiting: Waiting, index: int) -> SectionBlock:
    wish = waiting.wish
    when = _when(wish)
    asked = f"requested by {mention(Person(waiting.user, waiting.user))} {moment(waiting.since, DAY_AND_TIME)}"
    typed = code(f"/schedule cancel {promotion_id(wish.context.request_id)}", 80)
    return section(f"🗓️ {bold(what(wish), 300)} · {when}\n{asked} · {typed}", accessory=_cancel(wish, index))


def _when(wish: Wish) -> str:
    if wish.start_at:
        return moment(wish.start_at, DAY_AND_TIME)
    if wish.notify:
        return "a message when it is open"
    return "when it is open" if wish.when_open else "behind the promotion in progress"


def _instead(before: Waiting | None) -> str:
    """One wish waits there for each person: which one it was."""
    return (
        f" It replaces your earlier request, {bold(what(before.wish), 300)} ({_when(before.wish)})." if before else ""
    )


def _cancel(wish: Wish, index: int = 0) -> ButtonElement | None:
    value = PromotionValue(promotion_id(wish.context.request_id), "")
    return layout.button("Cancel", Action.UNSCHEDULE.numbered(index), value)


def turn_came(promotion: Promotion, wish: Wish) -> Rendered:
    name, where = bold(headline(promotion), 300), channel_mention(promotion.plan.channel)
    return sentence(f"▶️ {why_now(wish)}: {name} has started. The card is in {where}.")


def why_now(wish: Wish) -> str:
    """What it waited for, in words."""
    if wish.start_at:
        return "It is time"
    return "Nothing holds it back now" if wish.when_open else "It is your turn"


def turn_missed(waiting: Waiting, why: str) -> Rendered:
    if waiting.wish.notify:
        name = bold(what(waiting.wish), 300)
        return sentence(f"🔕 You no longer wait for a message about {name}: {ended(with_mentions(why, 900))}")
    return sentence(
        f"⏹️ {bold(what(waiting.wish), 300)} was queued, and could not start: {ended(with_mentions(why, 900))}"
    )


def wish_value(wish: Wish) -> WishValue:
    """What a button carries back. Raises TypeError for a wish that no button asks again."""
    start = wish.start_at.isoformat() if wish.start_at else OPEN if wish.when_open else ""
    return replace(_named(wish), older=wish.older, start=start, if_busy=wish.if_busy)


def wish_apps(promotion: Promotion, wish: Wish) -> ButtonElement | None:
    """Opens the list of all apps of what would start."""
    apps, images = len(promotion.plan.apps), len(promotion.plan.moves)
    every = f"{apps} apps" if apps > 1 else words.count(images, "image")
    return layout.button(f"All {every}", Action.WISH_APPS, wish_value(wish))


@singledispatch
def _named(wish: Wish) -> WishValue:
    raise TypeError(f"no button asks for {type(wish).__name__} again")


@_named.register
def _deploy_value(wish: Deploy) -> WishValue:
    return WishValue("deploy", wish.app, wish.environment, wish.image, "", wish.reason, _glass(wish))


@_named.register
def _promote_value(wish: Promote) -> WishValue:
    return WishValue("promote", "/".join(wish.apps), wish.environment, "", wish.source, wish.reason, _glass(wish))


@_named.register
def _rollback_value(wish: Rollback) -> WishValue:
    return WishValue("rollback", wish.app, wish.environment, wish.to, "", wish.reason, _glass(wish))


def _glass(wish: BreakingWish) -> str:
    return (wish.shown or "!") if wish.break_glass else ""
