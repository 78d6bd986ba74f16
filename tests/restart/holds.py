"""Places in a story at which it can be made to stand still, so that the process is killed exactly there."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import structlog

from bot.app.outside import Conversations
from bot.domain.overlay import Author, Change, Commit
from bot.domain.promotion import Promotion
from bot.ports import FileUpload, Posted, PullRequest, PullRequests, Rendered
from bot.promotions.committer import Committer, Moved, always
from bot.workflow.journal import Journal, Json
from tests.restart.cases import AFTER, BEFORE


class Holds:
    """`wanted`: promotion id → the place at which it is to stand still."""

    def __init__(self, wanted: Mapping[str, str]) -> None:
        self.wanted = wanted
        self._at: dict[str, str] = {}
        self.arrived = asyncio.Event()

    @property
    def missing(self) -> set[str]:
        return set(self.wanted) - set(self._at)

    async def reach(self, promotion: str, place: str) -> None:
        """Stay here for good, if this is the place."""
        if self.wanted.get(promotion) == place:
            self._at[promotion] = place
            if not self.missing:
                self.arrived.set()
            await asyncio.Event().wait()

    async def reach_effect(self, effect: str) -> None:
        """The same, for an effect inside of whatever step is running."""
        running = structlog.contextvars.get_contextvars()
        if "step" in running:
            await self.reach(running["promotion"], f"{AFTER}:{running['step']}>{effect}")


class HeldJournal:
    """A journal that reaches the places right before and right after each step's effect.

    A step that finds its system away comes again under a name with `!` and a number; its effect is still to come then.
    """

    def __init__(self, journal: Journal, promotion: str, holds: Holds, ran: Callable[[str, str], object]) -> None:
        self._journal = journal
        self._promotion = promotion
        self._holds = holds
        self._ran = ran

    async def step(self, name: str, do: Callable[[], Awaitable[Json]]) -> Json:
        step = name.partition("!")[0]

        async def held() -> Json:
            self._ran(self._promotion, step)
            await self._holds.reach(self._promotion, f"{BEFORE}:{step}")
            with structlog.contextvars.bound_contextvars(step=step):
                result = await do()
            if "ok" in result:
                await self._holds.reach(self._promotion, f"{AFTER}:{step}")
            return result

        return await self._journal.step(name, held)

    async def receive(self, within: timedelta) -> Json:
        return await self._journal.receive(within)

    async def sleep(self, duration: timedelta) -> None:
        await self._journal.sleep(duration)

    async def now(self, name: str) -> datetime:
        return await self._journal.now(name)


def hold_pushes(committer: Committer, holds: Holds) -> None:
    """Stand still between the push and its record, where it keeps no other promotion from its own push."""
    commit = committer.commit

    async def held(promotion: Promotion, still: Callable[[], bool] = always) -> Commit | Moved | None:
        made = await commit(promotion, still)
        await holds.reach_effect("push")
        return made

    committer.commit = held  # type: ignore[method-assign]


class HeldPulls:
    def __init__(self, pulls: PullRequests, holds: Holds) -> None:
        self._pulls = pulls
        self._holds = holds

    async def open(self, change: Change, branch: str, expected_head: str, title: str, body: str) -> PullRequest:
        opened = await self._pulls.open(change, branch, expected_head, title, body)
        await self._holds.reach_effect("open")
        return opened

    async def opened(self, branch: str) -> PullRequest | None:
        return await self._pulls.opened(branch)

    async def get(self, number: int) -> PullRequest:
        return await self._pulls.get(number)

    async def merge(self, number: int, head: str, message: str, author: Author) -> PullRequest:
        merged = await self._pulls.merge(number, head, message, author)
        await self._holds.reach_effect("merge")
        return merged

    async def close(self, number: int, comment: str) -> None:
        await self._pulls.close(number, comment)


class HeldMessenger:
    def __init__(self, messenger: Conversations, holds: Holds) -> None:
        self._messenger = messenger
        self._holds = holds

    async def post(
        self,
        channel: str,
        message: Rendered,
        *,
        thread: str = "",
        broadcast: bool = False,
        key: str = "",
        first: bool = False,
    ) -> Posted:
        posted = await self._messenger.post(channel, message, thread=thread, broadcast=broadcast, key=key, first=first)
        await self._holds.reach_effect("post")
        return posted

    async def update(self, posted: Posted, message: Rendered) -> None:
        await self._messenger.update(posted, message)

    async def whisper(self, channel: str, user: str, message: Rendered, *, thread: str = "") -> None:
        await self._messenger.whisper(channel, user, message, thread=thread)

    async def direct(self, user: str, message: Rendered) -> Posted:
        return await self._messenger.direct(user, message)

    async def upload(self, channel: str, file: FileUpload, thread: str = "") -> None:
        await self._messenger.upload(channel, file, thread)

    async def permalink(self, posted: Posted) -> str:
        return await self._messenger.permalink(posted)

    async def remove(self, posted: Posted) -> None:
        await self._messenger.remove(posted)
