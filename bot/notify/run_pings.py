"""The end of a pipeline run wakes the person who started it: an edit of the run's message would not."""

from bot.domain import slack_id
from bot.domain.event import Event
from bot.domain.reply import RunDetail
from bot.notify.outbox import Outbox
from bot.store.database import Database
from bot.store.outbox import OutboxEntry
from bot.views.runs import run_ended


class RunPings:
    """`environment` is the one that pipelines write."""

    def __init__(self, database: Database, outbox: Outbox, environment: str) -> None:
        self._database = database
        self._outbox = outbox
        self._environment = environment

    async def put(self, subject: str, channel: str, ended: RunDetail) -> None:
        """In the thread of the run's message, once, unless the requester is no person on Slack.

        A mute does not hold it back: whoever starts a run asks for its end (0420).
        """
        run = ended.run
        if not slack_id.is_user(run.requester):
            return
        said = run_ended(ended)
        entry = OutboxEntry((run.app,), self._environment, subject, Event.PIPELINE_ENDED, channel, said, threaded=True)
        async with self._database.begin() as connection:
            await self._outbox.put(connection, entry)
