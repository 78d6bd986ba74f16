"""Subscriptions to news, and mutes of news: people for themselves, channels by who may."""

from datetime import datetime

from bot.domain import slack_id
from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import Conflict, IntegrationError
from bot.domain.intent import Context, MuteNews, OfNews, SubscribeNews, Unmute, UnsubscribeNews
from bot.domain.reply import Subscribed
from bot.domain.subscription import ChannelChange, NewsMute, Scope, Subscription
from bot.notify.channels import ChannelIds
from bot.notify.ledger import Ledger
from bot.policy import EVERY, Policy, may
from bot.ports import Clock
from bot.safety.times import TimeReader
from bot.store.audit import Audit, AuditEntry
from bot.store.subscriptions import SubscriptionStore
from bot.store.threads import ThreadStore
from bot.views.subscriptions import channel_told

ROUTED_STILL = (
    "Where policy says so, this channel still hears of promotions, alerts, failed pipeline runs, locks and freezes. "
    "Cards and requests for approval come, too."
)
"""of a channel: what is no news, a mute does not hold"""
PERSONAL_STILL = (
    "Cards, requests for approval, the results of your promotions and the ends of the pipeline runs that you start "
    "still come."
)


class SubscriptionService:
    """Raises NotAllowed for a channel that the caller may not speak for, and InvalidCommand for a time that is none."""

    def __init__(
        self,
        store: SubscriptionStore,
        threads: ThreadStore,
        channels: ChannelIds,
        ledger: Ledger,
        audit: Audit,
        policy: Policy,
        times: TimeReader,
        clock: Clock,
    ) -> None:
        self._store = store
        self._threads = threads
        self._channels = channels
        self._ledger = ledger
        self._audit = audit
        self._policy = policy
        self._times = times
        self._clock = clock

    async def subscribe(self, ask: SubscribeNews, caller: Caller) -> Subscribed:
        listener = await self._listener(ask, caller, "subscribe a channel")
        await self._store.subscribe(Subscription(listener, scope, caller.id) for scope in _scopes(ask))
        await self._record(ChannelChange.SUBSCRIBED, ask, caller)
        return await self.shown(caller, ask.context, f"{_who(ask)} {_what(ask)} from now on.")

    async def unsubscribe(self, ask: UnsubscribeNews, caller: Caller) -> Subscribed:
        """What policy or an annotation says stays."""
        listener = await self._listener(ask, caller, "unsubscribe a channel")
        gone = await self._store.unsubscribe(listener, ask.app, ask.environment, ask.events)
        if gone or ask.context.again:  # it may be gone already by the try that did not come to its end
            await self._record(ChannelChange.UNSUBSCRIBED, ask, caller)
        nothing = NONE_LEFT if ask.context.again else NOTHING_GONE
        said = f"Removed {gone} {'subscription' if gone == 1 else 'subscriptions'}." if gone else nothing
        return await self.shown(caller, ask.context, said)

    async def mute(self, ask: MuteNews, caller: Caller) -> Subscribed:
        listener = await self._listener(ask, caller, "mute a channel")
        until = self._times.end(ask.until, caller, ask.context)
        await self._store.mute(NewsMute(listener, scope, until, caller.id) for scope in _scopes(ask))
        await self._record(ChannelChange.MUTED, ask, caller, until=until)
        said = (
            f"{_who(ask, hears=False)} {_what(ask, every='any app')} for the time being. "
            f"{ROUTED_STILL if ask.here else PERSONAL_STILL}"
        )
        return await self.shown(caller, ask.context, said)

    async def unmute(self, ask: Unmute, caller: Caller, *, asked: bool = False) -> Subscribed:
        """`asked`: they are asked for approvals again, too."""
        listener = await self._listener(ask, caller, "unmute a channel")
        gone = await self._store.unmute(listener, ask.app, ask.environment, ask.events)
        muted = await self._store.muted(self._clock.now().timestamp(), listener)
        still = any(_overlap(one.scope, ask) for one in muted)
        if gone or ask.context.again:
            await self._record(ChannelChange.UNMUTED, ask, caller, still=still)
        said = _unmuted(ask, gone=bool(gone), asked=asked)
        return await self.shown(caller, ask.context, STILL_MUTED if still else said)

    async def mine(self, caller: Caller) -> tuple[Subscription, ...]:
        return await self._store.all(caller.id)

    async def shown(self, caller: Caller, context: Context, said: str = "") -> Subscribed:
        """What there is, as far as the caller may know of it."""
        now, channel = self._clock.now().timestamp(), _channel(context)
        mine, muted = await self._store.all(caller.id), await self._store.muted(now, caller.id)
        its = await self._of_channel(channel) if channel else ()
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

    async def _of_channel(self, channel: str) -> tuple[Subscription, ...]:
        """Annotations call it by its name."""
        names = [name for name in await self._store.annotated() if await self._called(name) == channel]
        found = [one for listener in dict.fromkeys([channel, *names]) for one in await self._store.all(listener)]
        return tuple(found)

    async def _called(self, name: str) -> str:
        try:
            return await self._channels.find(name)
        except IntegrationError:
            return name

    async def _listener(self, ask: OfNews, caller: Caller, about: str) -> str:
        if not ask.here:
            return caller.id
        channel = _channel(ask.context)
        if not channel:
            raise Conflict("`here` works in channels only. Leave it out to do this for yourself.")
        target = Target(ask.app or EVERY, ask.environment or EVERY)
        await self._ledger.authorize(ask, caller, Permission.SUBSCRIBE, target, about)
        return channel

    async def _record(
        self, event: ChannelChange, ask: OfNews, caller: Caller, *, until: datetime | None = None, still: bool = False
    ) -> None:
        """Of channels, whose readers hear of it, too: silence must not look like "nothing happened". Once for each
        request, however often done. What people hear themselves is nobody's business.
        """
        if not ask.here:
            return
        channel, apps = _channel(ask.context), (ask.app,) if ask.app else ()
        detail, key = {"channel": channel, "events": list(ask.events)}, f"{event}:{ask.context.request_id}"
        await self._audit.record(AuditEntry(event, caller.id, apps, ask.environment, detail=detail, dedupe=key))
        said = channel_told(event, caller.person, _scopes(ask), until, still=still)
        subject, now = f"hears:{ask.context.request_id}"[:64], self._clock.now().timestamp()
        about = Target(ask.app, ask.environment)
        await self._threads.want(subject, channel, said, now, given=0.0, about=about)


NONE_LEFT = "No such subscription is left. What policy or an annotation in Argo CD says can only be muted."
"""where a process that did not come to its end may have removed them: who counts them now cannot tell"""
NOTHING_GONE = "No subscription fits that. What policy or an annotation in Argo CD says can only be muted."
ASKED_AGAIN = "I ask you for approvals in direct messages again."
HEARD_AGAIN = "You get all the news again that you had muted."
STILL_MUTED = "Another mute below still covers it."


def _channel(context: Context) -> str:
    """ "" for a conversation with the bot alone."""
    return "" if slack_id.is_direct(context.channel) else context.channel


def _scopes(ask: OfNews) -> tuple[Scope, ...]:
    return tuple(Scope(ask.app, ask.environment, event) for event in ask.events or ("",))


def _unmuted(ask: Unmute, *, gone: bool, asked: bool) -> str:
    if not (gone or asked) and ask.context.again:  # whether it was muted, a process knew that did not come to its end
        return "Nothing is muted for you now." if ask.everything else "None of that is muted now."
    if ask.everything:
        return " ".join([ASKED_AGAIN] * asked + [HEARD_AGAIN] * gone) or "Nothing was muted for you."
    whose = "This channel gets" if ask.here else "You get"
    return f"{whose} that news again: it is no longer muted." if gone else "None of that was muted."


def _overlap(scope: Scope, ask: OfNews) -> bool:
    """Whether a mute covers some of what is asked about; "" stands for every one on both sides."""
    places = ((scope.app, ask.app), (scope.environment, ask.environment))
    of_event = not scope.event or not ask.events or scope.event in ask.events
    return of_event and all(not one or not other or one == other for one, other in places)


def _who(ask: OfNews, *, hears: bool = True) -> str:
    if ask.here:
        return "This channel hears about" if hears else "This channel gets no news of"
    return "You hear about" if hears else "You get no news of"


def _what(ask: OfNews, *, every: str = "every app") -> str:
    place = " in ".join(filter(None, (ask.app or every, ask.environment)))
    return f"{place} ({', '.join(ask.events)})" if ask.events else place
