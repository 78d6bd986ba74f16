"""The handed scenario of a lock and a pipeline: by the commands, the pipeline's question, and the run's message.

What the Task does with the answer is in tests/unit/deploy/test_hold_question.py, and all of it together in
tests/scenario.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from bot.domain.pipeline import HELD, PipelineRun
from bot.domain.reply import FreezeCalled, LockTaken, Reply, RunDetail
from bot.evaluation.evaluator import GateEvaluator
from bot.notify.messages import Bulletins
from bot.notify.run_cards import RunCards
from bot.policy import parse
from bot.queries.pipeline_holds import PipelineHolds
from bot.queries.runs import RunFollowing, RunQueries
from bot.runtime.clock import SYSTEM_CLOCK
from bot.store.followed_runs import FollowedRunStore
from bot.store.messages import Messages
from bot.views import render
from bot.webhooks.pipeline_hold import PATH, PipelineHold
from tests.cases import cases
from tests.fakes.command_harness import CommandHarness
from tests.fakes.pipelines import DIGEST
from tests.fakes.promotions import HOST
from tests.fakes.queues import delivered
from tests.sentences import says

CASE = "scenarios-lock-and-pipeline-1"
BUILT = f"{HOST}/my-app:v1.5.0"
LOCK, RUN = "/lock my-app dev testing a migration", "/pipeline run my-app"


@pytest.mark.parametrize("case", [param for param in cases("scenarios.yaml") if param.id in (CASE, "absent")])
def test_what_is_tested_here_is_handed_over(case: dict[str, object]) -> None:
    assert case["steps"] == [f"ana: {LOCK}", f"ana: {RUN}"]


@dataclass
class Platform:
    """A pipeline that asks before it writes, or does not, beside people who lock."""

    harness: CommandHarness
    cards: RunCards
    holds: PipelineHolds

    async def types(self, line: str, user: str = "U0ANA") -> Reply:
        services = {**self.harness.services, PipelineHolds: self.holds, RunFollowing: self.cards}
        asked = await self.harness.read(line)
        return await self.harness.registry.bind(services).run(asked, await self.harness.caller(user))

    async def started(self) -> PipelineRun:
        reply = await self.types(RUN)
        assert isinstance(reply, RunDetail)
        return reply.run

    async def asks(self, app: str = "my-app") -> str:
        """What the pipeline's last task is answered."""
        route = PipelineHold(self.holds, lambda: "token").route()
        transport = httpx.ASGITransport(Starlette(routes=[route]))
        question = {"app": app, "environment": "development", "image": BUILT, "digest": DIGEST}
        async with httpx.AsyncClient(transport=transport, base_url="http://bot") as http:
            answer = await http.get(PATH, params=question, headers={"Authorization": "Bearer token"})
        assert answer.status_code == 200
        return answer.text

    async def ends(self, run: PipelineRun, held: str | None = "") -> str:
        """The run's message when it has succeeded; `held` None: its pipeline has no such result."""
        results = {"image": BUILT, "digest": DIGEST} | ({} if held is None else {HELD: held})
        await self.cards._show(self.harness.pipelines.finish(run.name, results))
        await delivered(self.harness.safety.outbox)
        return self.message()

    def message(self) -> str:
        shown = [m.shown for m in self.harness.safety.messenger.in_channel("C0DEPLOY")]
        return str(next(one.blocks for one in shown if "🔧" in str(one.blocks)))


@asynccontextmanager
async def platform(directory: Path, *, asks: bool) -> AsyncIterator[Platform]:
    harness = CommandHarness(database_url=f"sqlite:///{directory / 'words.db'}")
    await harness.safety.create()
    database, holds = harness.safety.database, harness.holds(asks=asks)
    bulletins = Bulletins(Messages(database), harness.safety.messenger)
    explain = RunQueries(harness.pipelines, harness.policy).failure

    async def told(run: PipelineRun) -> str:
        return await holds.told(run, watched=True)

    async def built(_run: PipelineRun) -> None:
        return None

    async def pinged(_subject: str, _channel: str, _ended: RunDetail) -> None:
        return None

    followed = FollowedRunStore(database)
    cards = RunCards(
        harness.pipelines, harness.pipelines, followed, bulletins, explain, told, built, lambda run: None, pinged
    )  # fmt: skip
    yield Platform(harness, cards, holds)
    await database.close()


@pytest.fixture
async def asking(tmp_path: Path) -> AsyncIterator[Platform]:
    async with platform(tmp_path, asks=True) as made:
        yield made


@pytest.fixture
async def silent(tmp_path: Path) -> AsyncIterator[Platform]:
    async with platform(tmp_path, asks=False) as made:
        yield made


async def test_a_lock_on_development_holds_the_pipelines_own_write_and_everybody_is_told(asking: Platform) -> None:
    """scenarios-lock-and-pipeline-1: who locks, who starts the run, the pipeline, and who reads how it ended."""
    taken = await asking.types(LOCK)
    assert isinstance(taken, LockTaken)
    assert "do not write it" in render(taken).blocks[-1]["elements"][0]["text"]

    run = await asking.started()
    assert "testing a migration" in asking.message()
    assert "do not write it while this lasts" in asking.message()

    word, why, _ = (await asking.asks()).split("\n")
    assert word == "held"
    assert "testing a migration" in why

    ended = await asking.ends(run, why)
    assert "Not written to development" in ended
    assert "testing a migration" in ended
    assert "/deploy my-app@v1.5.0 development" in ended


async def test_what_is_not_locked_says_nothing_of_locks(asking: Platform) -> None:
    await asking.types("/lock my-app prod a release")
    run = await asking.started()
    assert await asking.asks() == "free\n"
    assert "🔒" not in asking.message()
    assert "🔒" not in await asking.ends(run)


@pytest.mark.parametrize(
    "said", ["/lock dev testing a migration", "/freeze dev until tomorrow 9am testing a migration"]
)
async def test_so_do_a_lock_of_the_whole_environment_and_a_freeze(asking: Platform, said: str) -> None:
    told = await asking.types(said, "U0DEE")
    assert isinstance(told, LockTaken | FreezeCalled)
    assert "do not write it" in str(render(told).blocks)
    await asking.started()
    assert "testing a migration" in asking.message()
    assert (await asking.asks()).startswith("held\n")
    assert (await asking.asks("payments")).startswith("held\n")


async def test_once_it_is_unlocked_the_pipeline_writes_again(asking: Platform) -> None:
    await asking.types(LOCK)
    run = await asking.started()
    await asking.types("/unlock my-app dev")
    assert await asking.asks() == "free\n"
    assert "🔒" not in await asking.ends(run)


async def test_where_pipelines_do_not_ask_the_lock_and_the_run_say_so(silent: Platform) -> None:
    """Without a token none can: words are all there is, and they are plain."""
    taken = await silent.types(LOCK)
    assert says(str(render(taken).blocks), "pipelines write development")
    run = await silent.started()
    assert says(silent.message(), "pipelines write development")
    assert says(await silent.ends(run, held=None), "may have written development")
    shown = await silent.types(f"/pipeline show {run.name}")
    assert isinstance(shown, RunDetail)
    assert not shown.held  # the lock may be younger than the run


async def test_a_lock_that_comes_after_the_pipeline_wrote_is_no_reproach(asking: Platform) -> None:
    run = await asking.started()
    assert await asking.asks() == "free\n"
    await asking.types(LOCK)
    assert "🔒" not in await asking.ends(run)


async def test_a_lock_elsewhere_says_nothing_of_pipelines(asking: Platform) -> None:
    taken = await asking.types("/lock my-app prod a release")
    assert "ipelines" not in str(render(taken).blocks)


async def test_a_lock_that_policy_lets_nothing_hold_promises_nothing(asking: Platform) -> None:
    policy = parse("environments: [{name: development, gates: {lock: false}}, {name: production}]")
    asking.holds = PipelineHolds(
        GateEvaluator(asking.holds._evaluator._gates.values(), policy), policy, SYSTEM_CLOCK, asks=True
    )
    taken = await asking.types(LOCK)
    assert "ipelines" not in str(render(taken).blocks)
    assert await asking.asks() == "free\n"


async def test_a_run_is_shown_with_what_holds_it(asking: Platform) -> None:
    await asking.types(LOCK)
    run = await asking.started()
    shown = await asking.types(f"/pipeline show {run.name}")
    assert isinstance(shown, RunDetail)
    assert "testing a migration" in shown.held
