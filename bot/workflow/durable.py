"""Durable execution on DBOS: the only file that knows it.

The workflow function is a shell of a few lines, and its name, the application version and the executor's id are pinned:
a changed comment must not strand the promotions that are under way.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID
from dbos._sys_db import SystemDatabase
from sqlalchemy.engine import make_url

from bot.domain.errors import DatabaseAway
from bot.ports import Clock
from bot.runtime.clock import SYSTEM_CLOCK
from bot.store.login import Login, watchful
from bot.store.outage import away
from bot.workflow.journal import Journal, Json
from bot.workflow.journal_outage import JOURNAL, JournalCheck, wait_for_the_journal

log = structlog.get_logger(__name__)

STORY_VERSION = "1"
SIGNALS = "signals"
POLL_SECONDS = 0.1
"""How often SQLite is asked for signals; Postgres notifies by itself."""

HEARD_SECONDS = 5.0
"""Postgres loses the notice of a signal in a failover: then a story that waits looks for itself (in DBOS after 60)."""

MISSED_SECONDS = 20.0
"""A story that is pending and runs nowhere for so long is taken up."""

UNDER_WAY = ("PENDING", "ENQUEUED", "DELAYED")
"""DBOS's names for what still goes on; SUCCESS, ERROR, CANCELLED and MAX_RECOVERY_ATTEMPTS_EXCEEDED do not"""

Story = Callable[[Journal, Json], Awaitable[Json]]


class DurableJournal:
    """The journal of the workflow that is running in this context."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def step(self, name: str, do: Callable[[], Awaitable[Json]]) -> Json:
        async def effect() -> Json:  # DBOS tells coroutine functions by their kind, and `do` may be a lambda
            return await do()

        return await DBOS.run_step_async({"name": name, "retries_allowed": False}, effect)

    async def receive(self, within: timedelta) -> Json:
        return await DBOS.recv_async(SIGNALS, timeout_seconds=max(0.0, within.total_seconds()))

    async def sleep(self, duration: timedelta) -> None:
        await DBOS.sleep_async(duration.total_seconds())

    async def now(self, name: str) -> datetime:
        async def read() -> str:
            return self._clock.now().isoformat()

        return datetime.fromisoformat(await self.step(name, read))


class DurableEngine:
    """Runs one story many times, durably. One per process, since DBOS is."""

    def __init__(
        self, database_url: str, replica: str, story: Story, clock: Clock = SYSTEM_CLOCK, login: Login | None = None
    ) -> None:
        self._url, self._replica, self._story = database_url, replica, story
        self._clock, self._login = clock, login
        self._launched = False
        self._asked = JournalCheck()
        self._running: set[str] = set()
        self._missed: dict[str, float] = {}
        """what was found pending and in no task here → when that was first seen, by the loop's clock"""
        wait_for_the_journal()
        self._prepare()

    def _prepare(self) -> None:
        story, database_url, clock = self._story, self._url, self._clock
        ours = {"connect_args": {"application_name": "pilothouse", **watchful(make_url(database_url))}}
        how: dict[str, Any] = {"creator": self._login.connect} if self._login else ours
        if database_url.startswith("sqlite"):  # which asks nobody for a password, whatever file its URL is in
            how = {"connect_args": {"timeout": 15}}
        config: DBOSConfig = {
            "name": "pilothouse",
            "system_database_url": database_url,
            "application_version": STORY_VERSION,
            "executor_id": self._replica,
            "serializer": JsonSerializer(),
            "enable_otlp": False,
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": POLL_SECONDS,
            "db_engine_kwargs": {"logging_name": JOURNAL, **how},
        }
        SystemDatabase._notification_fallback_polling_interval = HEARD_SECONDS
        DBOS(config=config)

        @DBOS.workflow(name="promotion")
        async def promotion(plan: Json) -> Json:
            running = str(DBOS.workflow_id)
            self._running.add(running)
            try:
                return await story(DurableJournal(clock), plan)
            finally:
                self._running.discard(running)

        self._workflow = promotion

    async def launch(self) -> None:
        """Bring up the journal and take up every story of this replica that had not ended.

        Raises DatabaseAway while the journal cannot be written: ask again.
        """
        await asyncio.to_thread(self._asked.check, self._url, self._login)
        # DBOS runs async workflows, recovered ones too, on the loop that calls launch(). It would block that loop for
        # as long as the journal is away, hence the question before.
        try:
            DBOS.launch()
        except Exception as error:
            if not away(error):
                raise
            DBOS.destroy(destroy_registry=True)
            self._prepare()
            raise DatabaseAway("be opened", str(error)) from error
        self._launched = True

    async def start(self, promotion_id: str, plan: Json) -> None:
        """Start a story; one of this id that exists already is left as it is."""
        with SetWorkflowID(promotion_id):
            await DBOS.start_workflow_async(self._workflow, plan)

    async def signal(self, promotion_id: str, key: str, message: Json) -> None:
        """Send to a story that is under way; a second signal of the same key is not delivered."""
        await DBOS.send_async(promotion_id, message, SIGNALS, idempotency_key=key)

    async def stories(self, promotion_ids: Sequence[str]) -> Mapping[str, bool]:
        """Of these the stories that were ever started, and whether each is over: one question for all of them."""
        if not promotion_ids:
            return {}
        found = await DBOS.list_workflows_async(workflow_ids=[*promotion_ids], load_input=False, load_output=False)
        return {story.workflow_id: story.status not in UNDER_WAY for story in found}

    async def beat(self) -> bool:
        """Whether the engine is up, and its journal answers. Waits for as long as that is away."""
        return self._launched and await DBOS.get_workflow_status_async("beat") is None

    async def take_up(self) -> int:
        """Go on with the stories of this replica that are pending and run in no task here, one that broke off while its
        end could not be written down, for example; how many. Without this they wait for the next start.

        What is seen for the first time may be on its way into its task, so it is taken up by a later look. One whose
        end is being written just now is told again from its journal, to the same end.
        """
        lost = await self._pending(executor=self._replica) - self._running
        now = asyncio.get_running_loop().time()
        self._missed = {story: self._missed.get(story, now) for story in lost}
        taken = [story for story, since in self._missed.items() if now - since >= MISSED_SECONDS]
        for story in taken:
            log.warning("story.taken_up", promotion=story)
            await DBOS.resume_workflow_async(story)
            del self._missed[story]
        return len(taken)

    async def executors(self) -> frozenset[str]:
        """The replicas that unfinished stories are noted for, whether there still are such replicas or not."""
        found = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
        return frozenset(story.executor_id for story in found if story.executor_id)

    async def _pending(self, executor: str) -> set[str]:
        found = await DBOS.list_workflows_async(
            status="PENDING", executor_id=executor, load_input=False, load_output=False
        )
        return {story.workflow_id for story in found}

    async def take_over(self, replica: str) -> int:
        """Take up the unfinished stories of a replica that is gone. Asking twice is harmless."""
        return len(await asyncio.to_thread(DBOS._recover_pending_workflows, [replica]))

    async def close(self) -> None:
        """Stop. Stories that are under way stay as they are, for the next start."""
        self._launched = False
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)


class JsonSerializer(Serializer):
    """Refuses, loudly, whatever is not plain JSON. An error that escapes a story is kept as its name and sentence."""

    def serialize(self, data: Any) -> str:
        return json.dumps({"v": 1, "data": data}, default=_describe_error, separators=(",", ":"))

    def deserialize(self, serialized_data: str) -> Any:
        data = json.loads(serialized_data)["data"]
        return RuntimeError(data["__error__"]) if isinstance(data, dict) and "__error__" in data else data

    def name(self) -> str:
        return "pilothouse-json"


def _describe_error(value: Any) -> Json:
    if isinstance(value, BaseException):
        return {"__error__": f"{type(value).__name__}: {value}"}
    raise TypeError(f"{type(value).__name__} does not belong into the journal")
