"""Release trains: one blocked app does not stop the others, if somebody leaves it out."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.errors import Conflict, NotAllowed, PromotionInProgress, UnknownName
from bot.domain.intent import Adjust, Deploy, Promote
from bot.domain.promotion import Phase, Promotion, Stage
from bot.domain.scan import Severity, Vulnerability
from tests.fakes.world import HARBOR, POLICY, House, house, kustomization, path
from tests.sentences import says
from tests.unit.bot.promotions.test_scheduler import add_app

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, POLICY) as built:
        await add_app(built, "payments")
        yield built


async def sicken(home: House, app: str, *, well: bool = False) -> None:
    image = (await home.registry.artifact(f"{HARBOR}/{app}", "v1.4.2")).image
    found = [] if well else [Vulnerability("CVE-1", "zlib", "1", Severity.CRITICAL)]
    home.registry.finish_scan(image, *found)


async def train(home: House) -> Promotion:
    ask = Promote(context=home.context(), apps=(), environment="production")
    asked = await home.service.start(ask, await home.person("ana"))
    await home.engine.settle()
    return asked


async def adjust(home: House, asked: Promotion, *left_out: str, who: str = "ana") -> None:
    ask = Adjust(context=home.context(), promotion=asked.id, left_out=left_out)
    await home.service.adjust(ask, await home.person(who))
    await home.engine.settle()


async def test_an_approver_leaves_an_app_out_and_every_yes_is_asked_again(home: House) -> None:
    asked = await train(home)
    before = (await home.now(asked)).content_hash
    await adjust(home, asked, "payments", who="bo")
    waiting = await home.now(asked)
    assert (waiting.left_out, waiting.approvals, waiting.stage) == (("payments",), (), Stage.APPROVAL)
    assert waiting.content_hash != before
    with pytest.raises(Conflict):
        await home.approve("mia", asked, before)
    await home.approve("mia", asked)
    assert (await home.now(asked)).phase is Phase.SUCCEEDED
    assert "v1.4.0" in home.overlay("production", "payments")
    assert any(row.actor == "U0BO" and "payments" in row.detail for row in await home.audit.rows()), (
        "it is on record who did it"
    )


@pytest.mark.parametrize("who", ["cy", "gus"])
async def test_who_may_decide_on_nothing_leaves_nothing_out(home: House, who: str) -> None:
    asked = await train(home)
    with pytest.raises((NotAllowed, UnknownName)):
        await adjust(home, asked, "payments", who=who)
    assert (await home.now(asked)).left_out == ()


async def test_a_train_waits_for_a_blocked_app_to_be_left_out_and_goes_on_with_the_rest(home: House) -> None:
    await sicken(home, "payments")
    asked = await train(home)
    waiting = await home.now(asked)
    assert (waiting.phase, waiting.stage, waiting.can_go_without) == (Phase.RUNNING, Stage.GATES, ("payments",))
    said = [m.shown.text for m in home.messenger.messages if m.only_for == "U0ANA"]
    assert len(said) == 1
    assert f"/adjust {asked.id} leave out payments" in said[0]
    await home.engine.pass_time(MINUTE)
    await adjust(home, asked, "payments")
    assert (await home.now(asked)).stage is Stage.APPROVAL
    await home.approve("bo", asked)
    assert (await home.now(asked)).phase is Phase.SUCCEEDED
    assert "v1.4.0" in home.overlay("production", "payments")
    assert len([m for m in home.messenger.messages if m.only_for == "U0ANA"]) == 1


async def test_what_blocked_it_may_also_pass(home: House) -> None:
    await sicken(home, "payments")
    asked = await train(home)
    await sicken(home, "payments", well=True)
    await home.engine.pass_time(MINUTE)
    assert (await home.now(asked)).stage is Stage.APPROVAL


async def test_it_does_not_wait_for_ever(home: House) -> None:
    await sicken(home, "payments")
    asked = await train(home)
    await home.engine.pass_time(timedelta(hours=2))
    ended = await home.now(asked)
    assert ended.phase is Phase.FAILED
    assert ended.outcome.startswith("Gave up waiting: scan: 1 critical")


async def test_a_train_of_which_nothing_could_go_ends_at_once(home: House) -> None:
    await sicken(home, "payments")
    await sicken(home, "my-app")
    assert (await home.now(await train(home))).outcome.startswith("Blocked: scan: 1 critical")


async def test_an_app_that_is_blocked_right_before_the_commit_is_waited_for_too(home: House) -> None:
    asked = await train(home)
    await sicken(home, "payments")
    await home.approve("bo", asked)
    assert (await home.now(asked)).stage is Stage.GATES
    await adjust(home, asked, "payments")
    assert (await home.now(asked)).stage is Stage.APPROVAL
    await home.approve("mia", asked)
    assert (await home.now(asked)).phase is Phase.SUCCEEDED


async def test_what_the_gates_say_of_an_app_that_stays_behind_voids_nothing(home: House) -> None:
    asked = await train(home)
    await adjust(home, asked, "payments")
    before = (await home.now(asked)).content_hash
    await sicken(home, "payments")
    await home.approve("bo", asked, before)
    assert (await home.now(asked)).phase is Phase.SUCCEEDED


async def test_an_app_that_went_by_itself_meanwhile_is_not_taken_in_again(home: House) -> None:
    asked = await train(home)
    await adjust(home, asked, "payments")
    alone = await home.deploy("bo", app="payments")
    await adjust(home, asked)
    assert (await home.now(asked)).left_out == ("payments",)
    assert "bo is already promoting payments" in home.messenger.messages[-1].shown.text
    await home.abort("bo", alone)
    await adjust(home, asked)
    assert (await home.now(asked)).left_out == ()
    assert (await home.store.live("payments", "production")) == await home.now(asked)


async def lose(home: House, app: str) -> None:
    """The registry no longer has what staging pins; the rest of its images stay."""
    await add_app(home, "ledger")
    images = home.registry._artifacts[f"{HARBOR}/{app}"]
    images[:] = [artifact for artifact in images if "v1.4.2" not in artifact.tags]


async def test_an_app_whose_image_is_missing_is_a_row_that_can_be_left_out(home: House) -> None:
    """Nobody is asked while it is there; what is left goes by an approval of just that."""
    await lose(home, "payments")
    asked = await train(home)
    waiting = await home.now(asked)
    assert (waiting.stage, waiting.phase) == (Stage.GATES, Phase.RUNNING)
    assert waiting.can_go_without == ("payments",)
    [stopped] = waiting.blocked
    assert (stopped.gate, stopped.app) == ("image", "payments")
    assert says(stopped.verdict.reason, "no longer", "harbor.example.com/apps/payments v1.4.2")
    assert not home.cards.asked
    await adjust(home, asked, "payments")
    await home.approve("bo", asked)
    assert (await home.now(asked)).phase is Phase.SUCCEEDED
    assert "v1.4.2" in home.overlay("production", "ledger")
    assert "v1.4.2" in home.overlay("production")
    assert "v1.4.2" not in home.overlay("production", "payments")


async def test_taken_in_again_it_blocks_again_and_every_yes_is_void(home: House) -> None:
    await lose(home, "payments")
    asked = await train(home)
    await adjust(home, asked, "payments", "ledger")
    before = (await home.now(asked)).content_hash
    await adjust(home, asked, "ledger")
    again = await home.now(asked)
    assert again.content_hash != before
    with pytest.raises(Conflict):
        await home.approve("bo", asked, before)
    assert "v1.4.2" not in home.overlay("production", "payments")
    assert not home.promotion_commits()


async def test_where_all_images_are_missing_or_there_is_one_app_nothing_starts(home: House) -> None:
    await lose(home, "payments")
    for ask in (
        Promote(context=home.context(), apps=("payments",), environment="production"),
        Deploy(context=home.context(), app="payments", environment="production"),
    ):
        with pytest.raises(UnknownName, match="build it again"):
            await home.service.start(ask, await home.person("ana"))
    for app in ("my-app", "ledger"):
        home.registry._artifacts[f"{HARBOR}/{app}"].clear()
    with pytest.raises(UnknownName, match="build it again"):
        await train(home)
    assert not await home.store.all_live()


async def test_what_a_train_holds_of_a_missing_image_is_named(home: House) -> None:
    await lose(home, "payments")
    await train(home)
    with pytest.raises(PromotionInProgress, match=r"already promoting payments to production \(v1.4.2, "):
        await home.deploy("bo", image="v1.4.1", app="payments")


async def test_where_nothing_would_go_but_a_missing_image_it_is_refused(home: House) -> None:
    await lose(home, "payments")
    asked = await train(home)
    await adjust(home, asked, "my-app", "ledger")
    waiting = await home.now(asked)
    assert (waiting.left_out, waiting.stage) == ((), Stage.GATES)
    assert "At least one app must go" in home.messenger.messages[-1].shown.text


async def test_of_an_app_with_one_image_missing_the_others_do_not_go_either(home: House) -> None:
    await add_app(home, "ledger")
    for environment, tag in {"staging": "v1.4.2", "production": "v1.4.0"}.items():
        worker = f"- name: {HARBOR}/payments-worker\n  newTag: {tag}\n".encode()
        home.overlays.push({path(environment, "payments"): kustomization(tag, "payments") + worker}, "a worker")
    asked = await train(home)
    waiting = await home.now(asked)
    assert {move.app for move in waiting.moves} == {"my-app", "ledger"}
    assert waiting.can_go_without == ("payments",)
    await adjust(home, asked, "payments")
    await home.approve("bo", asked)
    assert (await home.now(asked)).phase is Phase.SUCCEEDED
    assert "v1.4.2" not in home.overlay("production", "payments")
