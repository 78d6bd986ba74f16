"""The end of a pipeline run wakes the person who started it: an edit of the run's message would not."""

import time
from collections.abc import Callable

from bot.domain import slack_id
from bot.domain.event import Event
from bot.domain.reply import RunDetail
from bot.notify.outbox import Outbox
from bot.store.database import Database
from bot.store.outbox import OutboxEntry
from bot.store.subscriptions import SubscriptionStore
from bot.views.runs import run_ended


class RunPings:
    """`environment` is the one that pipelines write; `clock` counts seconds since the epoch."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        subscriptions: SubscriptionStore,
        environment: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._subscriptions = subscriptions
        self._environment = environment
        self._clock = clock

    async def put(self, subject: str, channel: str, ended: RunDetail) -> None:
        """In the thread of the run's message, once, unless the requester is no person on Slack or has muted it."""
        run = ended.run
        if not slack_id.is_user(run.requester) or await self._muted(run.requester, run.app):
            return
        said = run_ended(ended)
        entry = OutboxEntry((run.app,), self._environment, subject, Event.PIPELINE_ENDED, channel, said, threaded=True)
        async with self._database.begin() as connection:
            await self._outbox.put(connection, entry)

    async def _muted(self, person: str, app: str) -> bool:
        mutes = await self._subscriptions.muted(self._clock(), person)
        return any(one.scope.covers(app, self._environment, Event.PIPELINE_ENDED) for one in mutes)
