"""What somebody is subscribed to, and the buttons for it below news."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from slack_sdk.models.blocks import Block

from bot.domain import slack_id
from bot.domain.caller import Person
from bot.domain.delivery import News
from bot.domain.reply import Subscribed
from bot.domain.subscription import ANNOTATION, SUBSCRIBABLE, ChannelChange, NewsMute, Scope, Subscription
from bot.ports import Rendered
from bot.views import layout, words
from bot.views.ids import Action, NewsValue
from bot.views.layout import context, header, rendered, rows, section, sentence
from bot.views.words import DAY_AND_TIME, bold, channel_mention, code, mention, moment, safe

HINT = (
    "`/subscribe [APP] [ENV] [EVENT…] [here]`, `/unsubscribe …`, `/pilothouse mute … for 2h` and "
    "`/pilothouse unmute …` change this."
)
MUTE_FOR = "2h"


def subscribed(reply: Subscribed) -> Rendered:
    said = safe(reply.sentence, 700) if reply.sentence else "Your subscriptions, besides what the policy sends"
    blocks: list[Block] = [section(said)] if reply.sentence else [header("Subscriptions")]
    blocks += _part("You", reply.mine, reply.muted)
    if reply.channel:
        blocks += _part(channel_mention(reply.channel), reply.its, reply.its_muted)
    events = ", ".join(code(event, 40) for event in SUBSCRIBABLE)
    return rendered(said, [*blocks, context(HINT, f"Events: {events}.")])


CHANGED = {
    ChannelChange.SUBSCRIBED: "🔔 {} subscribed this channel to {}",
    ChannelChange.UNSUBSCRIBED: "🔕 {} ended this channel's subscriptions to {}",
    ChannelChange.MUTED: "🔕 {} muted {} in this channel",
    ChannelChange.UNMUTED: "🔔 {} unmuted {} in this channel",
}


def channel_told(
    event: ChannelChange, by: Person, scopes: tuple[Scope, ...], until: datetime | None, *, still: bool = False
) -> Rendered:
    """To the readers of a channel: what it hears has changed. `still`: another mute covers some of it."""
    end = f" until {moment(until, DAY_AND_TIME)}" if until else ""
    end += ", but another mute still covers some of it" if still else ""
    said = CHANGED[event].format(mention(by), _scope(scopes))
    return sentence(f"{said}{end}. {code('/subscriptions')} shows what it hears.")


def buttons(one: News, *, personal: bool) -> list[Block]:
    """Below one piece of news: a direct message offers to mute it, a channel to subscribe."""
    value = NewsValue(one.app, one.environment, one.event)
    if personal:
        return [*layout.actions([layout.button(f"Mute for {MUTE_FOR}", Action.MUTE_NEWS, value)])]
    if one.event not in SUBSCRIBABLE:
        return []
    return [*layout.actions([layout.button("Notify me too", Action.SUBSCRIBE_NEWS, value)])]


def _part(who: str, found: Sequence[Subscription], muted: Sequence[NewsMute]) -> list[Block]:
    lines = [f"🔔 {line}" for line in listed(found)]
    lines += [f"🔕 {_scope([one.scope])} until {moment(one.until, DAY_AND_TIME)}{_muted_by(one)}" for one in muted]
    return rows((section(f"{who}: {line}") for line in lines or ["nothing"]), spare_blocks=30, budget=3000)


def listed(found: Iterable[Subscription]) -> list[str]:
    """The events of one place on one line."""
    places: dict[tuple[str, str, str], list[Scope]] = {}
    for one in found:
        places.setdefault((one.scope.app, one.scope.environment, one.by), []).append(one.scope)
    return [f"{_scope(scopes)}{_by(by)}" for (_, _, by), scopes in places.items()]


def _muted_by(mute: NewsMute) -> str:
    """Of a channel's: it counts only while they may mute it."""
    if slack_id.is_user(mute.listener):
        return ""
    return (
        f", while {mention(Person(mute.by, mute.by))} may mute it" if mute.by else " (no longer counts: mute it again)"
    )


def _scope(scopes: Sequence[Scope]) -> str:
    first = next(iter(scopes), Scope())
    place = " in ".join([bold(first.app or "every app", 120), bold(first.environment or "every environment", 80)])
    events = [one.event for one in scopes if one.event]
    return f"{place} · {words.named(events, most=10)}" if events else place


def _by(by: str) -> str:
    return " · by an annotation in Argo CD" if by == ANNOTATION else ""
