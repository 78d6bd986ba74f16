"""Sync, refresh, terminate: authorised, asked once more where it matters, on record, and told."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.application import Application, ApplicationRef, Operation, OperationPhase, SyncStatus
from bot.domain.drift import Difference, Drift
from bot.domain.errors import InvalidCommand, NotAllowed, Refused, Unavailable, UserError
from bot.domain.intent import Context, Pick, SyncAction, SyncApplication
from bot.domain.promotion import Phase
from bot.domain.reply import Reply, SyncAsked, Told
from bot.policy import parse
from bot.views import render
from tests.fakes.command_harness import POLICY, CommandHarness, healthy
from tests.sentences import says

CHANNEL = "C0DEPLOY"
DRIFT = Drift("Deployment", "my-app", "my-app", differences=(Difference("spec.replicas", "3", "2", "kubectl-scale"),))
RUNNING = Operation(OperationPhase.RUNNING, "", "d" * 40, datetime(2026, 1, 5, tzinfo=UTC), by="ci")


async def say(harness: CommandHarness, line: str, user: str = "U0BO", number: int = 1) -> Reply:
    return await harness.run(await harness.read(line, Context(f"r{number}", CHANNEL, "c", "T0PILOT")), user)


async def press(harness: CommandHarness, asked: Reply, user: str = "U0BO", *, again: bool = False) -> Reply:
    assert isinstance(asked, SyncAsked)
    context = Context("press", CHANNEL, "c", "T0PILOT", again)
    ask = SyncApplication(context=context, app=asked.app, environment=asked.environment, action=asked.action,
                          shown=asked.shown)  # fmt: skip
    return await harness.run(ask, user)


def put(harness: CommandHarness, environment: str = "production", **changes: object) -> Application:
    app = replace(healthy("my-app", environment), **changes)  # type: ignore[arg-type]
    return harness.applications.put(app)


async def test_outside_the_last_environment_it_is_done_at_once_told_and_on_record(harness: CommandHarness) -> None:
    reply = await say(harness, "/sync my-app staging")
    assert isinstance(reply, Told)
    assert harness.applications.syncs == [("my-app-staging", await harness.overlays.head())]
    assert await harness.safety.events() == ["sync"]
    (told,) = await harness.safety.told(CHANNEL)
    assert "<@U0BO> asked Argo CD to sync *my-app* in *staging*" in told


async def test_an_application_with_auto_sync_is_synced_to_what_it_follows(harness: CommandHarness) -> None:
    """A15: another revision than its target is refused."""
    put(harness, "staging", auto_sync=True)
    await say(harness, "/sync my-app staging")
    assert harness.applications.syncs == [("my-app-staging", "")]


async def test_production_shows_what_changes_and_asks_once_more(harness: CommandHarness) -> None:
    harness.applications.drifts["my-app-production"] = (DRIFT,)
    put(harness, sync=SyncStatus.OUT_OF_SYNC)
    asked = await say(harness, "/sync my-app prod")
    assert isinstance(asked, SyncAsked)
    assert (asked.concerns, [one.name for one in asked.changes or ()]) == ((), ["my-app"])
    assert not harness.applications.syncs
    assert await harness.safety.events() == []
    await press(harness, asked)
    assert [name for name, _ in harness.applications.syncs] == ["my-app-production"]


async def test_production_asks_wherever_it_stands(tmp_path: Path) -> None:
    """Of two productions, not only the last one."""
    policy = parse(POLICY + "environments: [{name: staging}, {name: production}, {name: elsewhere}]\n")
    harness = CommandHarness(policy=policy, database_url=f"sqlite:///{tmp_path / 'words.db'}")
    await harness.safety.create()
    assert isinstance(await say(harness, "/sync my-app prod"), SyncAsked)
    assert isinstance(await say(harness, "/sync my-app staging"), Told)
    await harness.safety.database.close()


async def test_a_press_counts_only_for_the_images_that_were_shown(harness: CommandHarness) -> None:
    asked = await say(harness, "/sync my-app prod")
    path = "apps/my-app/overlays/production/kustomization.yaml"
    before = (await harness.overlays.read([path], await harness.overlays.head()))[path]
    harness.overlays.push({path: before.replace(b"1.4.1", b"6.6.6")}, "Something else")
    again = await press(harness, asked)
    assert isinstance(again, SyncAsked)
    assert again.shown != (asked.shown if isinstance(asked, SyncAsked) else "")
    assert not harness.applications.syncs


@pytest.mark.parametrize("held", ["/lock my-app staging a migration", "/lock staging all of it",
                                  "/freeze staging for 2h holidays"])  # fmt: skip
async def test_a_lock_or_a_freeze_is_said_before_anything_goes_past_it(harness: CommandHarness, held: str) -> None:
    await say(harness, held, "U0MIA", number=7)
    asked = await say(harness, "/sync my-app staging")
    assert isinstance(asked, SyncAsked)
    assert len(asked.concerns) == 1
    assert not harness.applications.syncs
    await press(harness, asked)
    assert harness.applications.syncs
    rows = [row for row in await harness.safety.audit.rows() if row.event == "sync"]
    assert "by mia" in rows[0].detail
    told = await harness.safety.told(CHANNEL)
    assert [text for text in told if "Despite" in text]  # beside the lock's own message: neither waits for the other


async def test_another_lock_than_the_one_that_was_shown_asks_again(harness: CommandHarness) -> None:
    await say(harness, "/lock my-app staging a migration", "U0MIA", number=7)
    asked = await say(harness, "/sync my-app staging")
    await say(harness, "/unlock my-app staging", "U0MIA", number=8)
    await say(harness, "/lock my-app staging another one", "U0ANA", number=9)
    assert isinstance(await press(harness, asked), SyncAsked)
    assert not harness.applications.syncs


async def test_a_promotion_that_is_live_there_is_said(harness: CommandHarness) -> None:
    await harness.run("/deploy my-app staging", "U0ANA")
    asked = await say(harness, "/sync my-app staging")
    assert isinstance(asked, SyncAsked)
    assert "waits for an approval" in asked.concerns[0]


async def test_another_promotion_than_the_one_that_was_shown_asks_again(harness: CommandHarness) -> None:
    await harness.run("/deploy my-app staging", "U0ANA")
    asked = await say(harness, "/sync my-app staging")
    (first,) = harness.promotions.all.values()
    harness.promotions.all[first.id] = replace(first, phase=Phase.ABORTED)
    await say(harness, "/deploy my-app staging", "U0ANA", number=8)
    again = await press(harness, asked)
    assert isinstance(again, SyncAsked)
    assert first.id not in again.concerns[0]
    assert not harness.applications.syncs


async def test_refresh_changes_nothing_and_is_asked_about_nowhere(harness: CommandHarness) -> None:
    reply = await say(harness, "/sync my-app prod --refresh")
    assert isinstance(reply, Told)
    assert "looked again: Synced · Healthy" in reply.sentence
    assert not harness.applications.syncs
    assert await harness.safety.events() == ["refresh"]
    assert not await harness.safety.told(CHANNEL)


async def test_a_running_sync_is_stopped_and_none_is_started_beside_it(harness: CommandHarness) -> None:
    """A17, A31."""
    put(harness, operation=RUNNING)
    busy = await say(harness, "/sync my-app prod")
    assert isinstance(busy, Told)
    assert "running" in busy.sentence
    asked = await say(harness, "/sync my-app prod --terminate")
    assert isinstance(asked, SyncAsked)
    assert (asked.action, asked.operation) == (SyncAction.TERMINATE, RUNNING)
    stopped = await press(harness, asked)
    assert isinstance(stopped, Told)
    assert says(stopped.sentence, "You have asked Argo CD", "stop", "which ci requested")
    app = await harness.applications.get(ApplicationRef("my-app-production", "production"))
    assert app.operation
    assert app.operation.message == "Operation terminated"
    assert await harness.safety.events() == ["terminate"]


async def test_a_press_stops_no_other_sync_than_the_one_that_was_shown(harness: CommandHarness) -> None:
    put(harness, operation=RUNNING)
    asked = await say(harness, "/sync my-app prod --terminate")
    put(harness, operation=replace(RUNNING, started_at=datetime(2026, 1, 6, tzinfo=UTC)))
    assert isinstance(await press(harness, asked), SyncAsked)
    assert await harness.safety.events() == []


async def test_a_stop_that_a_crash_cut_short_is_not_repeated(harness: CommandHarness) -> None:
    put(harness, operation=RUNNING)
    asked = await say(harness, "/sync my-app prod --terminate")
    await press(harness, asked)
    put(harness, operation=RUNNING)  # another sync by now
    assert isinstance(await press(harness, asked, again=True), Told)
    app = await harness.applications.get(ApplicationRef("my-app-production", "production"))
    assert app.operation == RUNNING


async def test_nothing_to_stop_is_said(harness: CommandHarness) -> None:
    reply = await say(harness, "/sync my-app staging --terminate")
    assert isinstance(reply, Told)
    assert "No sync is running" in reply.sentence


async def test_who_may_not_sync_is_refused_and_that_is_on_record(harness: CommandHarness) -> None:
    with pytest.raises(NotAllowed, match="`sync` permission"):
        await say(harness, "/sync my-app staging", "U0CY")
    assert await harness.safety.events() == ["refused"]


async def test_what_argo_cd_refuses_is_told_in_its_words_and_on_record(harness: CommandHarness) -> None:
    async def closed(*_: object) -> None:
        raise Refused("Argo CD", "sync", "cannot sync: blocked by sync window")

    harness.applications.sync = closed  # type: ignore[method-assign,assignment]
    with pytest.raises(UserError, match="blocked by sync window"):
        await say(harness, "/sync my-app staging")
    assert await harness.safety.events() == ["sync", "sync-failed"]
    assert not await harness.safety.told(CHANNEL)


async def test_an_argo_cd_that_is_away_does_nothing(harness: CommandHarness) -> None:
    harness.applications.failing = Unavailable("Argo CD", "read", "timeout")
    with pytest.raises(Unavailable):
        await say(harness, "/sync my-app staging")
    assert await harness.safety.events() == []


async def test_no_word_that_is_typed_skips_the_question(harness: CommandHarness) -> None:
    for line in (
        "/sync my-app prod --force",
        "/sync my-app prod !",
        "/sync my-app prod yes",
        "/sync my-app prod 1.4.2",
    ):
        with pytest.raises(InvalidCommand):
            await harness.read(line)
    with pytest.raises(InvalidCommand, match="either"):
        await harness.read("/sync my-app prod --refresh --terminate")
    assert isinstance(await harness.read("/sync my-app"), Pick)


async def test_what_is_asked_reads_well(harness: CommandHarness) -> None:
    harness.applications.drifts["my-app-production"] = (DRIFT,)
    put(harness, sync=SyncStatus.OUT_OF_SYNC)
    shown = str(render(await say(harness, "/sync my-app prod")).blocks)
    assert "Nothing has happened yet" in shown
    assert "kubectl-scale" in shown
