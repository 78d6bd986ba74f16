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
from tests.fakes.office import POLICY, Office, healthy

CHANNEL = "C0DEPLOY"
DRIFT = Drift("Deployment", "my-app", "my-app", differences=(Difference("spec.replicas", "3", "2", "kubectl-scale"),))
RUNNING = Operation(OperationPhase.RUNNING, "", "d" * 40, datetime(2026, 1, 5, tzinfo=UTC))


async def say(office: Office, line: str, user: str = "U0BO", number: int = 1) -> Reply:
    return await office.run(await office.read(line, Context(f"r{number}", CHANNEL, "c", "T0PILOT")), user)


async def press(office: Office, asked: Reply, user: str = "U0BO", *, again: bool = False) -> Reply:
    assert isinstance(asked, SyncAsked)
    context = Context("press", CHANNEL, "c", "T0PILOT", again)
    ask = SyncApplication(context=context, app=asked.app, environment=asked.environment, action=asked.action,
                          shown=asked.shown)  # fmt: skip
    return await office.run(ask, user)


def put(office: Office, environment: str = "production", **changes: object) -> Application:
    app = replace(healthy("my-app", environment), **changes)  # type: ignore[arg-type]
    return office.applications.put(app)


async def test_outside_the_last_environment_it_is_done_at_once_told_and_on_record(office: Office) -> None:
    reply = await say(office, "/sync my-app staging")
    assert isinstance(reply, Told)
    assert office.applications.syncs == [("my-app-staging", await office.overlays.head())]
    assert await office.safety.events() == ["sync"]
    (told,) = await office.safety.told(CHANNEL)
    assert "<@U0BO> has Argo CD sync *my-app* in *staging*" in told


async def test_an_application_with_auto_sync_is_synced_to_what_it_follows(office: Office) -> None:
    """A15: another revision than its target is refused."""
    put(office, "staging", auto_sync=True)
    await say(office, "/sync my-app staging")
    assert office.applications.syncs == [("my-app-staging", "")]


async def test_production_shows_what_changes_and_asks_once_more(office: Office) -> None:
    office.applications.drifts["my-app-production"] = (DRIFT,)
    put(office, sync=SyncStatus.OUT_OF_SYNC)
    asked = await say(office, "/sync my-app prod")
    assert isinstance(asked, SyncAsked)
    assert (asked.concerns, [one.name for one in asked.changes or ()]) == ((), ["my-app"])
    assert not office.applications.syncs
    assert await office.safety.events() == []
    await press(office, asked)
    assert [name for name, _ in office.applications.syncs] == ["my-app-production"]


async def test_production_asks_wherever_it_stands(tmp_path: Path) -> None:
    """Of two productions, not only the last one."""
    policy = parse(POLICY + "environments: [{name: staging}, {name: production}, {name: elsewhere}]\n")
    office = Office(policy=policy, database_url=f"sqlite:///{tmp_path / 'words.db'}")
    await office.safety.create()
    assert isinstance(await say(office, "/sync my-app prod"), SyncAsked)
    assert isinstance(await say(office, "/sync my-app staging"), Told)
    await office.safety.database.close()


async def test_a_press_counts_only_for_the_images_that_were_shown(office: Office) -> None:
    asked = await say(office, "/sync my-app prod")
    path = "apps/my-app/overlays/production/kustomization.yaml"
    before = (await office.overlays.read([path], await office.overlays.head()))[path]
    office.overlays.push({path: before.replace(b"1.4.1", b"6.6.6")}, "Something else")
    again = await press(office, asked)
    assert isinstance(again, SyncAsked)
    assert again.shown != (asked.shown if isinstance(asked, SyncAsked) else "")
    assert not office.applications.syncs


@pytest.mark.parametrize("held", ["/lock my-app staging a migration", "/lock staging all of it",
                                  "/freeze staging for 2h holidays"])  # fmt: skip
async def test_a_lock_or_a_freeze_is_said_before_anything_goes_past_it(office: Office, held: str) -> None:
    await say(office, held, "U0MIA", number=7)
    asked = await say(office, "/sync my-app staging")
    assert isinstance(asked, SyncAsked)
    assert len(asked.concerns) == 1
    assert not office.applications.syncs
    await press(office, asked)
    assert office.applications.syncs
    rows = [row for row in await office.safety.audit.rows() if row.event == "sync"]
    assert "by mia" in rows[0].detail
    told = await office.safety.told(CHANNEL)
    assert [text for text in told if "Despite" in text]  # beside the lock's own message: neither waits for the other


async def test_another_lock_than_the_one_that_was_shown_asks_again(office: Office) -> None:
    await say(office, "/lock my-app staging a migration", "U0MIA", number=7)
    asked = await say(office, "/sync my-app staging")
    await say(office, "/unlock my-app staging", "U0MIA", number=8)
    await say(office, "/lock my-app staging another one", "U0ANA", number=9)
    assert isinstance(await press(office, asked), SyncAsked)
    assert not office.applications.syncs


async def test_a_promotion_under_way_is_said(office: Office) -> None:
    await office.run("/deploy my-app staging", "U0ANA")
    asked = await say(office, "/sync my-app staging")
    assert isinstance(asked, SyncAsked)
    assert "under way" in asked.concerns[0]


async def test_another_promotion_than_the_one_that_was_shown_asks_again(office: Office) -> None:
    await office.run("/deploy my-app staging", "U0ANA")
    asked = await say(office, "/sync my-app staging")
    (first,) = office.promotions.all.values()
    office.promotions.all[first.id] = replace(first, phase=Phase.ABORTED)
    await say(office, "/deploy my-app staging", "U0ANA", number=8)
    again = await press(office, asked)
    assert isinstance(again, SyncAsked)
    assert first.id not in again.concerns[0]
    assert not office.applications.syncs


async def test_refresh_changes_nothing_and_is_asked_about_nowhere(office: Office) -> None:
    reply = await say(office, "/sync my-app prod --refresh")
    assert isinstance(reply, Told)
    assert "looked again: Synced · Healthy" in reply.sentence
    assert not office.applications.syncs
    assert await office.safety.events() == ["refresh"]
    assert not await office.safety.told(CHANNEL)


async def test_a_running_sync_is_stopped_and_none_is_started_beside_it(office: Office) -> None:
    """A17, A31."""
    put(office, operation=RUNNING)
    busy = await say(office, "/sync my-app prod")
    assert isinstance(busy, Told)
    assert "running" in busy.sentence
    asked = await say(office, "/sync my-app prod --terminate")
    assert isinstance(asked, SyncAsked)
    assert (asked.action, asked.operation) == (SyncAction.TERMINATE, RUNNING)
    await press(office, asked)
    app = await office.applications.get(ApplicationRef("my-app-production", "production"))
    assert app.operation
    assert app.operation.message == "Operation terminated"
    assert await office.safety.events() == ["terminate"]


async def test_a_press_stops_no_other_sync_than_the_one_that_was_shown(office: Office) -> None:
    put(office, operation=RUNNING)
    asked = await say(office, "/sync my-app prod --terminate")
    put(office, operation=replace(RUNNING, started_at=datetime(2026, 1, 6, tzinfo=UTC)))
    assert isinstance(await press(office, asked), SyncAsked)
    assert await office.safety.events() == []


async def test_a_stop_that_a_crash_cut_short_is_not_repeated(office: Office) -> None:
    put(office, operation=RUNNING)
    asked = await say(office, "/sync my-app prod --terminate")
    await press(office, asked)
    put(office, operation=RUNNING)  # another sync by now
    assert isinstance(await press(office, asked, again=True), Told)
    app = await office.applications.get(ApplicationRef("my-app-production", "production"))
    assert app.operation == RUNNING


async def test_nothing_to_stop_is_said(office: Office) -> None:
    reply = await say(office, "/sync my-app staging --terminate")
    assert isinstance(reply, Told)
    assert "No sync is running" in reply.sentence


async def test_who_may_not_sync_is_refused_and_that_is_on_record(office: Office) -> None:
    with pytest.raises(NotAllowed, match="`sync` permission"):
        await say(office, "/sync my-app staging", "U0CY")
    assert await office.safety.events() == ["refused"]


async def test_what_argo_cd_refuses_is_told_in_its_words_and_on_record(office: Office) -> None:
    async def closed(*_: object) -> None:
        raise Refused("Argo CD", "sync", "cannot sync: blocked by sync window")

    office.applications.sync = closed  # type: ignore[method-assign,assignment]
    with pytest.raises(UserError, match="blocked by sync window"):
        await say(office, "/sync my-app staging")
    assert await office.safety.events() == ["sync", "sync-failed"]
    assert not await office.safety.told(CHANNEL)


async def test_an_argo_cd_that_is_away_does_nothing(office: Office) -> None:
    office.applications.failing = Unavailable("Argo CD", "read", "timeout")
    with pytest.raises(Unavailable):
        await say(office, "/sync my-app staging")
    assert await office.safety.events() == []


async def test_no_word_that_is_typed_skips_the_question(office: Office) -> None:
    for line in (
        "/sync my-app prod --force",
        "/sync my-app prod !",
        "/sync my-app prod yes",
        "/sync my-app prod 1.4.2",
    ):
        with pytest.raises(InvalidCommand):
            await office.read(line)
    with pytest.raises(InvalidCommand, match="either"):
        await office.read("/sync my-app prod --refresh --terminate")
    assert isinstance(await office.read("/sync my-app"), Pick)


async def test_what_is_asked_reads_well(office: Office) -> None:
    office.applications.drifts["my-app-production"] = (DRIFT,)
    put(office, sync=SyncStatus.OUT_OF_SYNC)
    shown = str(render(await say(office, "/sync my-app prod")).blocks)
    assert "Nothing has happened yet" in shown
    assert "kubectl-scale" in shown
