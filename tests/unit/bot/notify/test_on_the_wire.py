"""Cards and notes on Slack's wire, at Slack's pace."""

import asyncio
import time
from contextlib import suppress
from pathlib import Path

from bot.domain.event import Event
from bot.domain.promotion import Phase, Progress, Stage
from bot.notify import Announcer, Cards, Outbox
from bot.notify.copies import Copies
from bot.notify.journey_links import JourneyLinks
from bot.notify.permalinks import Permalinks
from bot.policy import Policy
from bot.store.database import Database
from bot.store.delivery_news import NewsStore
from bot.store.messages import Messages
from bot.store.mutes import MuteStore
from bot.store.reviews import ReviewStore
from integrations.sandbox.serving import serve
from integrations.sandbox.slack.server import BOT_TOKEN, SlackServer
from integrations.slack import SlackApi, SlackMessenger
from tests.fakes.databases import create_tables
from tests.views.samples import AT, COMMIT, approval, following, plan, promotion
from tests.waiting import until

STORY = (
    promotion(Stage.GATES, results=()),
    promotion(Stage.APPROVAL),
    promotion(Stage.COMMIT, approvals=(approval(),)),
    promotion(Stage.FOLLOW, approvals=(approval(),), commit=COMMIT, following=(following(Progress.SYNCING),)),
    promotion(Stage.FOLLOW, approvals=(approval(),), commit=COMMIT, following=(following(Progress.PROGRESSING),)),
)
DONE = promotion(
    Stage.DONE,
    Phase.SUCCEEDED,
    approvals=(approval(),),
    commit=COMMIT,
    following=(following(Progress.HEALTHY),),
    finished_at=AT,
)


async def test_a_quick_story_is_told_in_few_edits_and_ends_right(tmp_path: Path, policy: Policy) -> None:
    """S2: at most one edit a second for a message; nobody waits for them."""
    workspace, database = SlackServer(), Database(f"sqlite:///{tmp_path}/pilothouse.db")
    await create_tables(database)
    async with serve(workspace.app) as url:
        api = SlackApi(lambda: BOT_TOKEN, f"{url}/api/")
        messages, messenger = Messages(database), SlackMessenger(api)
        links = Permalinks(messages.threads, messenger)
        journeys = JourneyLinks(NewsStore(database), links)
        copies = Copies(messages.threads, messenger, links, MuteStore(database), policy, journeys)
        box = Outbox(messages, messenger)
        cards = Cards(messages, messenger, policy, copies, journeys, ReviewStore(database))
        delivering = asyncio.create_task(box.deliver_forever())
        place = await cards.show(STORY[0])
        began = time.monotonic()
        for state in (*STORY[1:], DONE):
            await cards.show(state)
        async with database.begin() as connection:
            await Announcer(box, policy).put(connection, DONE, Event.DONE)

        def shown() -> list[str]:
            return [message["text"] for message in workspace.messages("C0DEPLOY", "bo")]

        await until(lambda: len(shown()) == 2 and shown()[0].endswith("Synced and Healthy."))
        delivering.cancel()
        with suppress(asyncio.CancelledError):
            await delivering
        await api.aclose()
    await database.close()
    stored = workspace._core.timeline.find(place.channel, place.ts)
    assert stored is not None
    assert len(stored.revisions) <= 2 + time.monotonic() - began, "the first post, an edit, and one more each second"
    assert [block["type"] for block in stored.blocks] == ["header", "section", "actions", "section"]
    assert plan().requester.id in str(stored.blocks)
    assert len(workspace.messages("dm", "ana")) == 1
    assert not workspace.complaints
