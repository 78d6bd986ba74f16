"""Somebody asks about what they may not view: the answer is the one for what does not exist, word for word.

Every command of the registry is in one of the tables, so that a new one cannot be forgotten.
"""

from collections.abc import AsyncIterator
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import pytest

from bot.command import Command
from bot.domain.errors import UserError
from bot.domain.intent import Context, Deploy, IfBusy, Intent, Promote, Rollback, Wish
from bot.domain.pipeline import PipelineRun, RunStatus
from bot.domain.promotion import Phase, Promotion, Stage
from bot.domain.reply import ChangeHistory, Occupied, Queued, StatusDetail
from bot.policy import parse
from bot.ports import Messenger, Modals
from bot.promotions.scheduler import Scheduler
from bot.router import Router, open_router
from bot.router.dispatch import Dispatcher
from bot.router.incoming import Incoming
from bot.router.suggestions import Suggestions
from bot.views import render
from tests.fakes.command_harness import POLICY, CommandHarness
from tests.fakes.messenger import FakeMessenger

SPY = "U0CY"
"""an administrator of my-app, and of nothing else"""
HIDDEN, ABSENT = "ledger", "wombat"
NAMES_NOTHING = {
    "help",
    "whoami",
    "locks",
    "delegate",
    "pick",
    "freeze",
    "unfreeze",
    "mute",
    "schedule",
    "subscriptions",
    "unmute",
}
"""these answer without an app, a promotion or a run that was named"""
TYPED = {
    "abort": "/abort {promotion}",
    "adjust": "/adjust {promotion} leave out {app}",
    "approve": "/approve {promotion}",
    "can": "/pilothouse can {app} prod",
    "deploy": "/deploy {app} prod",
    "dora": "/dora {app} prod",
    "history": "/history {app} prod",
    "lock": "/lock {app} prod",
    "notify": "/notify {promotion}",
    "pipeline cancel": "/pipeline cancel {run}",
    "pipeline list": "/pipeline list {app}",
    "pipeline logs": "/pipeline logs {run}",
    "pipeline retry": "/pipeline retry {run}",
    "pipeline run": "/pipeline run {app}",
    "pipeline show": "/pipeline show {run}",
    "promote": "/promote {app} to prod",
    "reject": "/reject {promotion} no",
    "reject image": "/reject {app}@1.4.2 broken",
    "review": "/review {promotion} looks fine",
    "rollback": "/rollback {app} prod to 1.4.0",
    "scan": "/scan {app} prod",
    "show": "/show {promotion}",
    "status": "/status {app} prod",
    "mute": "/pilothouse mute {app} prod for 2h",
    "subscribe": "/subscribe {app} prod degraded",
    "sync": "/sync {app} prod",
    "unsubscribe": "/unsubscribe {app} prod",
    "unlock": "/unlock {app} prod",
    "unmute": "/pilothouse unmute {app} prod",
    "unreject": "/unreject {app}@1.4.2",
}
MORE = ["/deploy {app}@1.4.2 prod --dry-run", "/deploy {app}", "/rollback {app} prod", "/status {app}",
        "/subscribe {app} here", "/pilothouse mute {app} off", "/sync {app}",
        "/sync {app} prod --refresh", "/sync {app} prod --terminate",
        "/promote {app} from staging to prod --dry-run", "/promote my-app,{app} to prod", "/history {app}",
        "/scan {app}@1.4.2", "/scan {app} --rescan", "/pipeline run {app} main", "/lock {app} prod for 2h deploy",
        "/freeze {app} prod until 18:00 stop", "/freeze prod until 18:00 --except {app}", "/unfreeze {app} prod",
        "/adjust {promotion} take in my-app", "/pilothouse can {app} staging"]  # fmt: skip


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[CommandHarness]:
    policy = POLICY + "  - {role: admin, users: [U0CY], apps: [my-app]}\n"
    harness = CommandHarness(policy=parse(policy), database_url=f"sqlite:///{tmp_path / 'words.db'}")
    await harness.safety.create()
    for number, apps in enumerate((("ledger",), ("my-app", "ledger"), ("my-app",))):
        await started(harness, f"{number}000000{number}", apps)
    harness.pipelines._put(PipelineRun("ledger-run", "ci", "ci-pipeline", RunStatus.FAILED, app="ledger"))
    harness.pipelines._put(PipelineRun("stray-run", "ci", "ci-pipeline", RunStatus.FAILED))
    yield harness
    await harness.safety.database.close()


async def started(harness: CommandHarness, request: str, apps: tuple[str, ...]) -> Promotion:
    """Of ana's, recorded whole."""
    ask = Promote(context=Context(request, "C0DEPLOY", "c"), apps=apps, environment="production")
    plan = harness.promotions._plan(ask, await harness.caller("U0ANA"))
    seen = replace((await sample(harness)), plan=plan)
    harness.promotions.all[plan.id] = seen
    async with harness.safety.database.begin() as connection:
        if len(apps) == 1:
            await harness.safety.promotions.create(connection, seen)
    return seen


async def sample(harness: CommandHarness) -> Promotion:
    other = CommandHarness()
    return await other.promotions.start(
        Deploy(context=Context("sample", "C0DEPLOY", "c"), app="x", environment="staging"),
        await harness.caller("U0ANA"),
    )


def spoken(harness: CommandHarness) -> Router:
    return open_router(harness.registry, {**harness.services, Messenger: FakeMessenger(), Modals: Windows()})


class Windows:
    """Modals that keep what was shown in them."""

    def __init__(self) -> None:
        self.views: list[Any] = []

    async def open(self, trigger: str, view: Any) -> str:
        return "V1"

    async def update(self, view_id: str, view: Any) -> None:
        self.views.append(view)


async def answer(harness: CommandHarness, line: str) -> str:
    """What the spy is shown for a typed line."""
    shown: list[str] = []

    async def respond(**message: Any) -> Any:
        shown.append(f"{message['text']} {message['blocks']}")
        return type("Answer", (), {"status_code": 200})()

    async def ack(*_: Any, **__: Any) -> None:
        return None

    slash, _, text = line.partition(" ")
    body = {"command": slash, "text": text, "user_id": SPY, "team_id": "T0PILOT", "trigger_id": line,
            "channel_id": "C0DEPLOY"}  # fmt: skip
    router = spoken(harness)
    await router.on_command(body, ack, respond)
    await router.drain(5)
    windows = router._answers._modals
    assert isinstance(windows, Windows)
    return f"{shown} {windows.views}"


PROMOTION, RUN = {HIDDEN: "p-00000000", ABSENT: "p-99999999"}, {HIDDEN: "ledger-run", ABSENT: "wombat-run"}


def neutral(text: str, app: str) -> str:
    for word in (PROMOTION[app], RUN[app], app):
        text = text.replace(word, "…")
    return text


async def both(harness: CommandHarness, template: str) -> tuple[str, str]:
    """The answer for what is hidden, and for what is absent, without their names."""
    said = [
        neutral(await answer(harness, template.format(app=app, promotion=PROMOTION[app], run=RUN[app])), app)
        for app in (HIDDEN, ABSENT)
    ]
    return said[0], said[1]


@pytest.mark.parametrize("template", [*TYPED.values(), *MORE])
async def test_whatever_is_typed_of_something_hidden_is_answered_as_of_nothing(
    harness: CommandHarness, template: str
) -> None:
    hidden, absent = await both(harness, template)
    assert hidden == absent
    assert "There is no" in hidden or "does not name" in hidden or "is no" in hidden or "not name" in hidden


@pytest.mark.parametrize("run", ["stray-run"])
@pytest.mark.parametrize("verb", ["show", "logs", "cancel", "retry"])
async def test_a_run_of_no_app_is_hidden_from_who_may_not_view_all(
    harness: CommandHarness, verb: str, run: str
) -> None:
    shown = (await answer(harness, f"/pipeline {verb} {run}")).replace(run, "…")
    absent = (await answer(harness, f"/pipeline {verb} no-such-run")).replace("no-such-run", "…")
    assert shown == absent


def test_every_command_is_in_a_table(harness: CommandHarness) -> None:
    typed = {command.verb for command in harness.registry if command.parse}
    assert typed == (TYPED.keys() | NAMES_NOTHING) & typed
    assert not TYPED.keys() - {command.verb for command in harness.registry}


# Buttons and modals carry what somebody put there.

SUBJECTS = ("app", "apps", "promotion", "run")


def intent(command: Command, app: str, request: str) -> Intent | None:
    """An intent of the command about an app, its promotion or its run; None when it is about none."""
    given: dict[str, Any] = {}
    known = {"app": app, "apps": (app,), "promotion": PROMOTION[app], "run": RUN[app], "environment": "production",
             "context": Context(request, "C0DEPLOY", "c", "T0PILOT"), "image": "1.4.2", "verb": "deploy",
             "left_out": (app,), "to": "1.4.0", "reason": "why", "note": "seen"}  # fmt: skip
    for each in fields(command.intent):
        if each.name in known:
            given[each.name] = known[each.name]
        elif each.default is MISSING and each.default_factory is MISSING:
            given[each.name] = ""
    return command.intent(**given) if set(SUBJECTS) & given.keys() else None


async def asked(harness: CommandHarness, ask: Intent, app: str) -> str:
    service = harness.make(Dispatcher)
    try:
        reply = await service.ask(ask, Incoming("button", SPY, "T0PILOT", ask.context.request_id, "C0DEPLOY"))
    except UserError as refused:
        return neutral(f"{type(refused).__name__}: {refused.sentence}", app)
    return neutral(repr(render(reply)), app)


def verbs() -> list[str]:
    return sorted(command.verb for command in CommandHarness().registry if intent(command, HIDDEN, ""))


@pytest.mark.parametrize("verb", verbs())
async def test_whatever_a_button_asks_of_something_hidden_is_answered_as_of_nothing(
    harness: CommandHarness, verb: str
) -> None:
    command = harness.registry.named(verb)
    hidden, absent = intent(command, HIDDEN, "h"), intent(command, ABSENT, "a")
    assert hidden is not None
    assert absent is not None
    said = await asked(harness, hidden, HIDDEN)
    assert said == await asked(harness, absent, ABSENT)
    assert said.startswith("UnknownName")


def test_only_commands_that_name_nothing_are_not_asked(harness: CommandHarness) -> None:
    silent = {command.verb for command in harness.registry} - set(verbs())
    assert silent <= NAMES_NOTHING, "say which field of its intent names an app, a promotion or a run"


@pytest.mark.parametrize("typo", ["ledgr", "leger", "ledgers", "LEDGER", "paymens", "payment"])
async def test_nobody_is_offered_what_is_hidden(harness: CommandHarness, typo: str) -> None:
    for line in ("/status {}", "/deploy {} prod", "/history {}", "/lock {} prod", "/promote {} to prod"):
        shown = await answer(harness, line.format(typo))
        rest = shown.replace(line.format(typo), "").replace(f"`{typo}`", "").replace(typo, "")
        assert "ledger" not in rest
        assert "payments" not in rest


async def test_who_may_view_it_is_still_offered_it(harness: CommandHarness) -> None:
    assert "my-app" in await answer(harness, "/status my-ap")


@pytest.mark.parametrize("app", [HIDDEN, ABSENT])
@pytest.mark.parametrize("select", ["image", "to"])
async def test_selects_offer_nothing_of_it(harness: CommandHarness, app: str, select: str) -> None:
    values = {"a": {"app": {"selected_option": {"value": app}}},
              "b": {"environment": {"selected_option": {"value": "production"}}}}  # fmt: skip
    body = {"action_id": select, "view": {"state": {"values": values}}}
    choices = await harness.make(Suggestions).choices(body, await harness.caller(SPY), Context("r", "C", "c"))
    assert not choices


# A release train of which the spy may view one app.

TRAIN = "p-10000001"


@pytest.mark.parametrize("line", ["/show {}", "/notify {}", "/adjust {} leave out my-app", "/adjust {} take in x"])
async def test_a_train_with_a_hidden_app_is_not_shown(harness: CommandHarness, line: str) -> None:
    shown = (await answer(harness, line.format(TRAIN))).replace(TRAIN, "…")
    absent = (await answer(harness, line.format("p-99999999"))).replace("p-99999999", "…")
    assert shown == absent
    assert "ledger" not in shown


async def test_a_train_with_a_hidden_app_stands_in_no_list(harness: CommandHarness) -> None:
    del harness.promotions.all["p-20000002"]
    overview = await harness.run("/status my-app prod", SPY)
    assert isinstance(overview, StatusDetail)
    assert overview.row.promotion is None
    seen = await harness.run("/status my-app prod", "U0BO")
    assert isinstance(seen, StatusDetail)
    assert seen.row.promotion
    assert seen.row.promotion.id == TRAIN


async def test_history_leaves_out_trains_with_hidden_apps(harness: CommandHarness) -> None:
    for id in ("p-00000000", "p-20000002"):
        over = replace(harness.promotions.all[id], phase=Phase.SUCCEEDED, stage=Stage.DONE)
        async with harness.safety.database.begin() as connection:
            await harness.safety.promotions.save(connection, over)
    async with harness.safety.database.begin() as connection:
        await harness.safety.promotions.create(connection, harness.promotions.all[TRAIN])
    whole = await harness.run("/history my-app prod", "U0BO")
    assert isinstance(whole, ChangeHistory)
    assert {one.id for one in whole.promotions} == {TRAIN, "p-20000002"}
    shown = await harness.run("/history my-app prod", SPY)
    assert isinstance(shown, ChangeHistory)
    assert [one.id for one in shown.promotions] == ["p-20000002"]


async def test_who_asked_for_it_sees_it_whatever_policy_says_now(harness: CommandHarness) -> None:
    train = harness.promotions.all[TRAIN]
    mine = replace(train, plan=replace(train.plan, requester=(await harness.caller(SPY)).person))
    harness.promotions.all[TRAIN] = mine
    assert (await harness.promotions.find(TRAIN, await harness.caller(SPY), whole=True)) is mine


async def test_a_rollback_by_button_of_something_hidden_says_nothing_of_who_could(harness: CommandHarness) -> None:
    ask = Rollback(context=Context("h", "C0DEPLOY", "c", "T0PILOT"), app=HIDDEN, environment="production", to="1")
    assert "Ask" not in await asked(harness, ask, HIDDEN)


# A release train with a hidden app holds an app that the spy may deploy.


async def occupied(harness: CommandHarness, behind: str) -> str:
    """What the spy is shown who wants to deploy the app that the train holds."""
    del harness.promotions.all["p-20000002"]
    image, flag = (behind, "") if behind.startswith("@") else ("", behind)
    return await answer(harness, f"/deploy my-app{image} prod{flag}")


@pytest.mark.parametrize("behind", ["", " --queue", "@1.4.3"])
async def test_what_stands_in_the_way_is_told_without_its_hidden_apps(harness: CommandHarness, behind: str) -> None:
    shown = await occupied(harness, behind)
    assert "ledger" not in shown
    assert "2 apps" not in shown
    assert "Show it" not in shown
    assert "my-app" in shown or "promotion in progress" in shown


async def test_who_may_view_all_of_it_is_told_all_of_it(harness: CommandHarness) -> None:
    del harness.promotions.all["p-20000002"]
    told = await harness.run("/deploy my-app prod", "U0BO")
    assert isinstance(told, Occupied)
    assert told.promotion == harness.promotions.all[TRAIN]


@pytest.mark.parametrize("verb", ["deploy", "promote", "rollback"])
@pytest.mark.parametrize("if_busy", [IfBusy.REFUSE, IfBusy.QUEUE])
async def test_a_reply_about_the_train_holds_nothing_of_it(harness: CommandHarness, verb: str, if_busy: IfBusy) -> None:
    del harness.promotions.all["p-20000002"]
    context, spy = Context("x", "C0DEPLOY", "c", "T0PILOT"), await harness.caller(SPY)
    wishes: dict[str, Wish] = {
        "deploy": Deploy(context=context, app="my-app", environment="production", if_busy=if_busy),
        "promote": Promote(context=context, apps=("my-app",), environment="production", if_busy=if_busy),
        "rollback": Rollback(context=context, app="my-app", environment="production", if_busy=if_busy),
    }
    reply = await Scheduler(harness.promotions, harness.queue).start(wishes[verb], spy)
    assert isinstance(reply, Occupied | Queued)
    assert (reply.promotion if isinstance(reply, Occupied) else reply.behind) is None
