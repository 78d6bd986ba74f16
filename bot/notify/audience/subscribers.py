"""Which subscribers hear of a piece of news, and who has muted it."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain import slack_id
from bot.domain.caller import Caller, Permission, Target
from bot.domain.delivery import News
from bot.domain.errors import DatabaseAway, IntegrationError, NotFound
from bot.domain.subscription import ANNOTATION, NewsMute, Scope, Subscription
from bot.policy import EVERY, Policy, may
from bot.ports import Directory
from bot.store.subscriptions import SubscriptionStore


@dataclass(frozen=True)
class Audience:
    """The subscriptions and mutes that hold now; what a person may see is looked up for each piece of news."""

    policy: Policy
    directory: Directory
    subscriptions: tuple[Subscription, ...]
    mutes: tuple[NewsMute, ...]

    async def of(self, news: News) -> tuple[str, ...]:
        """Subscribers who may know of it now. Raises IntegrationError where Slack cannot say who they are."""
        found = [one for one in self.subscriptions if one.covers(news.app, news.environment, news.event)]
        return tuple(dict.fromkeys([one.listener for one in found if await self._allowed(one, news)]))

    async def awake(self, listeners: Iterable[str], news: News) -> list[str]:
        """Those of them who have not muted it."""
        covering = [one for one in self.mutes if one.scope.covers(news.app, news.environment, news.event)]
        quiet = {one.listener for one in covering if await self._silences(one)}
        return [listener for listener in listeners if listener not in quiet]

    async def _silences(self, mute: NewsMute) -> bool:
        """A channel is silent only while who muted it may mute it; where nobody can tell, it hears."""
        if slack_id.is_user(mute.listener):
            return True
        try:
            return bool(mute.by) and self._speaks(await self.directory.caller(mute.by), mute.scope)
        except DatabaseAway:
            raise
        except IntegrationError:
            return False

    def _speaks(self, caller: Caller, scope: Scope) -> bool:
        """For a channel, of what is in the scope."""
        return may(self.policy, caller, Permission.SUBSCRIBE, Target(scope.app or EVERY, scope.environment or EVERY))

    async def _allowed(self, one: Subscription, news: News) -> bool:
        """A person must still view the app; a channel needs somebody who may still subscribe it."""
        if one.by == ANNOTATION:
            return True
        person = slack_id.is_user(one.listener)
        try:
            caller = await self.directory.caller(one.listener if person else one.by)
        except NotFound:
            return False
        if person:
            return may(self.policy, caller, Permission.VIEW, Target(news.app, news.environment))
        return self._speaks(caller, one.scope)


@dataclass(frozen=True)
class Listeners:
    store: SubscriptionStore
    policy: Policy
    directory: Directory

    async def seen(self, person: str, news: Iterable[News]) -> tuple[News, ...]:
        """Those that a person may know of now. Raises IntegrationError while Slack cannot say who they are."""
        try:
            caller = await self.directory.caller(person)
        except NotFound:
            return ()
        return tuple(one for one in news if may(self.policy, caller, Permission.VIEW, Target(one.app, one.environment)))

    async def now(self, at: float) -> Audience:
        """Read once for many news. `at`: seconds since the epoch."""
        return Audience(self.policy, self.directory, await self.store.all(), await self.store.muted(at))
