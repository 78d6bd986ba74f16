"""Subscriptions to news, and mutes of news: people for themselves, channels by who may."""

from datetime import datetime

from bot.domain import slack_id
from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import Conflict
from bot.domain.intent import Context, MuteNews, OfNews, SubscribeNews, UnsubscribeNews
from bot.domain.reply import Subscribed
from bot.domain.subscription import ChannelChange, NewsMute, Scope, Subscription
from bot.notify.ledger import Ledger
from bot.policy import EVERY, Policy, may
from bot.ports import Clock
from bot.safety.times import TimeReader
from bot.store.audit import Audit, AuditEntry
from bot.store.messages import Messages
from bot.store.subscriptions import SubscriptionStore
from bot.views.subscriptions import channel_told


class SubscriptionService:
    """Raises NotAllowed for a channel that the caller may not speak for, and InvalidCommand for a time that is none."""

    def __init__(
        self,
        store: SubscriptionStore,
        messages: Messages,
        ledger: Ledger,
        audit: Audit,
        policy: Policy,
        times: TimeReader,
        clock: Clock,
    ) -> None:
        self._store = store
        self._messages = messages
        self._ledger = ledger
        self._audit = audit
        self._policy = policy
        self._times = times
        self._clock = clock

    async def subscribe(self, ask: SubscribeNews, caller: Caller) -> Subscribed:
        listener = await self._listener(ask, caller, "subscribe a channel")
        await self._store.subscribe(Subscription(listener, scope, caller.id) for scope in _scopes(ask))
        await self._record(ChannelChange.SUBSCRIBED, ask, caller, listener)
        return await self.shown(caller, ask.context, f"{_who(ask)} of {_what(ask)} from now on.")

    async def unsubscribe(self, ask: UnsubscribeNews, caller: Caller) -> Subscribed:
        """What policy or an annotation says stays."""
        listener = await self._listener(ask, caller, "unsubscribe a channel")
        gone = await self._store.unsubscribe(listener, ask.app, ask.environment, ask.events)
        await self._record(ChannelChange.UNSUBSCRIBED, ask, caller, listener)
        said = f"{gone} {'subscription is' if gone == 1 else 'subscriptions are'} gone." if gone else NOTHING_GONE
        return await self.shown(caller, ask.context, said)

    async def mute(self, ask: MuteNews, caller: Caller) -> Subscribed:
        listener = await self._listener(ask, caller, "mute a channel")
        until: datetime | None = None
        if ask.off:
            gone = await self._store.unmute(listener, ask.app, ask.environment, ask.events)
            said = "It is no longer muted." if gone else "Nothing of that was muted."
            now = self._clock.now().timestamp()
            if any(_overlap(one.scope, ask) for one in await self._store.muted(now, listener)):
                said = "It is still muted by what is listed below: end that, too."
        else:
            until = self._times.read(ask.until, caller)
            await self._store.mute(NewsMute(listener, scope, until) for scope in _scopes(ask))
            said = f"{_who(ask, hears=False)} of {_what(ask)} for the time being."
        await self._record(ChannelChange.UNMUTED if ask.off else ChannelChange.MUTED, ask, caller, listener, until)
        return await self.shown(caller, ask.context, said)

    async def mine(self, caller: Caller) -> tuple[Subscription, ...]:
        return await self._store.all(caller.id)

    async def shown(self, caller: Caller, context: Context, said: str = "") -> Subscribed:
        """What there is, as far as the caller may know of it."""
        now, channel = self._clock.now().timestamp(), _channel(context)
        mine, muted = await self._store.all(caller.id), await self._store.muted(now, caller.id)
        its = await self._store.all(channel) if channel else ()
        its_muted = await self._store.muted(now, channel) if channel else ()

        def seen(scope: Scope) -> bool:
            return may(self._policy, caller, Permission.VIEW, Target(scope.app, scope.environment))

        return Subscribed(
            said,
            mine,
            muted,
            channel,
            tuple(one for one in its if seen(one.scope)),
            tuple(one for one in its_muted if seen(one.scope)),
        )

    async def _listener(self, ask: OfNews, caller: Caller, about: str) -> str:
        if not ask.here:
            return caller.id
        channel = _channel(ask.context)
        if not channel:
            raise Conflict("This is a conversation with me: say it without `here`, and it is for you.")
        target = Target(ask.app or EVERY, ask.environment or EVERY)
        await self._ledger.authorize(ask, caller, Permission.SUBSCRIBE, target, about)
        return channel

    async def _record(
        self, event: ChannelChange, ask: OfNews, caller: Caller, listener: str, until: datetime | None = None
    ) -> None:
        """Of channels: what people hear themselves is nobody's business."""
        if ask.here:
            detail = {"channel": listener, "events": list(ask.events)}
            apps, key = ((ask.app,) if ask.app else ()), f"{event}:{ask.context.request_id}"
            entry = AuditEntry(event, caller.id, apps, ask.environment, detail=detail, dedupe=key)
            await self._audit.record(entry)
            await self._tell(event, ask, caller, listener, until)

    async def _tell(
        self, event: ChannelChange, ask: OfNews, caller: Caller, channel: str, until: datetime | None
    ) -> None:
        """Its readers: silence must not look like "nothing happened". Once for each request, however often done."""
        said = channel_told(event, caller.person, _scopes(ask), until)
        subject, now = f"hears:{ask.context.request_id}"[:64], self._clock.now().timestamp()
        await self._messages.want(subject, channel, said, now, given=0.0)


NOTHING_GONE = "No subscription fits that. What policy or an annotation in Argo CD says can only be muted."


def _channel(context: Context) -> str:
    """ "" for a conversation with the bot alone."""
    return "" if slack_id.is_direct(context.channel) else context.channel


def _scopes(ask: OfNews) -> tuple[Scope, ...]:
    return tuple(Scope(ask.app, ask.environment, event) for event in ask.events or ("",))


def _overlap(scope: Scope, ask: OfNews) -> bool:
    """Whether a mute covers some of what is asked about; "" stands for every one on both sides."""
    places = ((scope.app, ask.app), (scope.environment, ask.environment))
    of_event = not scope.event or not ask.events or scope.event in ask.events
    return of_event and all(not one or not other or one == other for one, other in places)


def _who(ask: OfNews, *, hears: bool = True) -> str:
    if ask.here:
        return "This channel hears" if hears else "This channel hears nothing"
    return "You hear" if hears else "You hear nothing"


def _what(ask: OfNews) -> str:
    place = " in ".join(filter(None, (ask.app or "every app", ask.environment)))
    return f"{place} ({', '.join(ask.events)})" if ask.events else place
