"""Pickers: opened by what was left out, searched while one types, checked at once, decoded to the same intents."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

import commands
from bot.command import CommandRegistry
from bot.domain.errors import Unavailable
from bot.domain.intent import Context, Deploy, Promote, Rollback
from bot.domain.pipeline import RunRequest
from bot.domain.safety import Rejection, Review
from bot.policy import parse
from bot.router.forms import objections, read_form
from tests.fakes.command_harness import POLICY
from tests.unit.bot.router.conftest import Bot
from tests.unit.bot.router.test_http import signed
from tests.waiting import until

CONTEXT = Context("r1", "C0DEPLOY", "c1", "T0PILOT")


async def opened(bot: Bot, typed: str, who: str = "ana") -> dict[str, Any]:
    await bot.slack.command(who, "deployments", typed)
    verb = typed.removeprefix("/").split()[0]
    return await bot.view(who, f"pick.{'pipeline run' if verb == 'pipeline' else verb}")


@pytest.mark.parametrize(
    ("typed", "verb"),
    [
        ("/pipeline show", "pipeline show"),
        ("/pipeline logs", "pipeline logs"),
        ("/pipeline cancel", "pipeline cancel"),
        ("/pipeline retry", "pipeline retry"),
        ("/lock", "lock"),
        ("/unlock", "unlock"),
        ("/freeze", "freeze"),
        ("/unfreeze", "unfreeze"),
        ("/history", "history"),
        ("/scan", "scan"),
        ("/show", "show"),
        ("/abort", "abort"),
        ("/adjust", "adjust"),
        ("/reject", "reject"),
        ("/notify", "notify"),
        ("/review", "review"),
        ("/unreject", "unreject"),
        ("/delegate", "delegate"),
    ],
)
async def test_every_bare_command_that_needs_words_asks_for_them(bot: Bot, typed: str, verb: str) -> None:
    await bot.slack.command("bo", "deployments", typed)
    view = await bot.view("bo", f"pick.{verb}")
    needed = [block["block_id"] for block in view["blocks"] if block["type"] == "input" and not block.get("optional")]
    assert needed
    assert not bot.whispers("bo")


async def test_a_run_is_chosen_from_those_that_the_person_may_view(bot: Bot) -> None:
    run = await bot.harness.pipelines.start(RunRequest("r1", "ci-pipeline", "payments", {}, "U0ANA"))
    await bot.slack.command("bo", "deployments", "/pipeline show")
    view = await bot.view("bo", "pick.pipeline show")
    offered = await bot.slack.options("bo", "run", view_id=view["id"])
    assert [option["value"] for option in offered["options"]] == [run.name]
    assert (await bot.slack.submit_view(view["id"], "bo", {"run": run.name}))["ok"]
    await until(lambda: any(run.name in said["text"] for said in bot.whispers("bo")))
    await bot.slack.command("cy", "deployments", "/pipeline show")  # who may view my-app only
    view = await bot.view("cy", "pick.pipeline show")
    assert not (await bot.slack.options("cy", "run", view_id=view["id"]))["options"]


@pytest.mark.parametrize("typed", ["/show", "/abort", "/adjust", "/reject", "/notify", "/review", "/unreject"])
async def test_a_promotion_is_chosen_from_those_that_the_person_may_view(bot: Bot, typed: str) -> None:
    train = Promote(
        context=Context("r1", "C0DEPLOY", "c1", "T0PILOT"), apps=("my-app", "ledger"), environment="staging"
    )
    ana = await bot.harness.caller("U0ANA")
    promotion = await bot.harness.promotions.start(train, ana)
    word = Rejection("ledger", f"sha256:{'a' * 64}", "1.4.0", ana.person, "it leaks", promotion.plan.requested_at)
    owed = Review(promotion.id, train.apps, "staging", ana.person, "INC-1", promotion.plan.requested_at)
    stores = bot.harness.safety.stores
    async with stores.database.begin() as connection:
        await stores.rejections.reject(connection, word)
        await stores.reviews.owe(connection, owed)
    for who, found in (("bo", ["ledger@1.4.0" if typed == "/unreject" else promotion.id]), ("cy", [])):
        await bot.slack.command(who, "deployments", typed)  # cy may view my-app only
        if who == "cy" and typed in ("/review", "/unreject"):
            await until(lambda: "permission" in json.dumps(bot.slack.views("cy")))
            continue
        view = await bot.view(who, f"pick.{typed[1:]}")
        offered = await bot.slack.options(who, view["blocks"][0]["block_id"], view_id=view["id"])
        assert [option["value"] for option in offered["options"]] == found


async def test_an_app_that_is_left_out_is_one_of_the_train(bot: Bot) -> None:
    train = Promote(
        context=Context("r1", "C0DEPLOY", "c1", "T0PILOT"), apps=("my-app", "ledger"), environment="staging"
    )
    promotion = await bot.harness.promotions.start(train, await bot.harness.caller("U0ANA"))
    view = await opened(bot, "/adjust")
    await bot.slack.act_in_view(view["id"], "ana", "train", value=promotion.id)
    offered = await bot.slack.options("ana", "app", view_id=view["id"])
    assert [option["value"] for option in offered["options"]] == ["my-app", "ledger"]
    assert (await bot.slack.submit_view(view["id"], "ana", {"train": promotion.id, "app": "ledger"}))["ok"]
    await until(lambda: bot.harness.promotions.all[promotion.id].left_out == ("ledger",))


async def test_somebody_is_named_who_speaks_for_one(bot: Bot) -> None:
    view = await opened(bot, "/delegate", "bo")
    wrong = await bot.slack.submit_view(view["id"], "bo", {"person": "U0MIA", "until": "some day"})
    assert "not a time" in json.dumps(wrong)
    assert (await bot.slack.submit_view(view["id"], "bo", {"person": "U0MIA", "until": "2 weeks"}))["ok"]
    await until(lambda: bot.whispers("bo"))
    (delegation,) = await bot.harness.safety.stores.delegations.all()
    assert (delegation.absent.id, delegation.delegate.id) == ("U0BO", "U0MIA")


async def test_promote_asks_where_from(bot: Bot) -> None:
    view = await opened(bot, "/promote")
    values = {"app": "my-app", "environment": "production", "source": "development"}
    assert (await bot.slack.submit_view(view["id"], "ana", values))["ok"]
    await until(lambda: bot.harness.promotions.asked)
    (ask,) = bot.harness.promotions.asked
    assert isinstance(ask, Promote)
    assert ask.source == "development"


async def test_a_bare_command_opens_its_picker_with_nothing_chosen(bot: Bot) -> None:
    view = await opened(bot, "/deploy")
    assert not any(block["element"].get("initial_option") for block in view["blocks"] if block["type"] == "input")
    assert not bot.whispers("ana")


async def test_what_is_known_is_filled_in_but_never_the_last_environment(bot: Bot) -> None:
    view = await opened(bot, "/rollback my-app")
    chosen = {block["block_id"]: block["element"].get("initial_option") for block in view["blocks"]}
    assert chosen["app"]["value"] == "my-app"
    assert not chosen["environment"]


async def test_the_picker_opens_before_anything_slow(bot: Bot) -> None:
    """S15: the trigger lives three seconds; the overlay repository may take longer to say that it is away."""
    bot.harness.overlays.failing = Unavailable("git", "fetch", "down")
    await bot.slack.command("ana", "deployments", "/deploy")
    await until(lambda: "Git does not answer" in json.dumps(bot.slack.views("ana")))


async def test_who_may_not_is_told_in_the_picker(bot: Bot) -> None:
    await bot.slack.command("cy", "deployments", "/deploy")
    await until(lambda: "`promote` permission" in json.dumps(bot.slack.views("cy")))


@pytest.mark.parametrize(
    ("typed", "values", "asked"),
    [
        (
            "/deploy",
            {"app": "my-app", "environment": "production", "image": "1.4.2", "reason": "go"},
            Deploy,
        ),
        ("/promote", {"app": "my-app", "environment": "production"}, Promote),
        ("/rollback", {"app": "my-app", "environment": "production"}, Rollback),
    ],
)
async def test_a_submitted_picker_asks_the_same_as_the_words_would(
    bot: Bot, typed: str, values: dict[str, str], asked: type
) -> None:
    view = await opened(bot, typed)
    assert (await bot.slack.submit_view(view["id"], "ana", values))["ok"]
    await until(lambda: bot.harness.promotions.asked)
    (ask,) = bot.harness.promotions.asked
    assert isinstance(ask, asked)
    assert ask.environment == "production"
    assert ask.context.channel == "C0DEPLOY"
    await until(lambda: bot.whispers("ana"))
    assert "an approval" in bot.whispers("ana")[-1]["text"]


async def test_the_picker_of_pipelines_starts_a_run(bot: Bot) -> None:
    view = await opened(bot, "/pipeline run")
    assert (await bot.slack.submit_view(view["id"], "ana", {"app": "my-app", "revision": "main"}))["ok"]
    await until(lambda: bot.whispers("ana"))
    (run,) = await bot.harness.pipelines.list("", 2)
    assert (run.app, run.params["revision"], run.requester) == ("my-app", "main", "U0ANA")


async def test_rights_are_asked_again_at_the_submit(bot: Bot) -> None:
    view = await opened(bot, "/deploy")
    await bot.slack.act_in_view(view["id"], "ana", "app", value="my-app")
    bot.harness.directory.groups[("S0ENG", "engineers")] = frozenset()
    await bot.slack.submit_view(view["id"], "ana", {"environment": "production"})
    await until(lambda: bot.whispers("ana"))
    assert "`promote` permission" in bot.whispers("ana")[-1]["text"]
    assert not bot.harness.promotions.asked


async def test_apps_are_searched_while_one_types(bot: Bot) -> None:
    view = await opened(bot, "/deploy")
    everything = await bot.slack.options("ana", "app", view_id=view["id"])
    assert [option["value"] for option in everything["options"]] == ["ledger", "my-app", "payments"]
    found = await bot.slack.options("ana", "app", "led", view_id=view["id"])
    assert [option["value"] for option in found["options"]] == ["ledger"]


async def test_images_are_those_of_the_chosen_app_newest_first(bot: Bot) -> None:
    view = await opened(bot, "/deploy")
    assert (await bot.slack.options("ana", "image", view_id=view["id"]))["options"] == []
    await bot.slack.act_in_view(view["id"], "ana", "app", value="my-app")
    found = await bot.slack.options("ana", "image", view_id=view["id"])
    assert [option["value"] for option in found["options"]] == ["1.4.1", "1.4.2", "1.4.3"]  # as they were pushed


async def test_a_viewer_of_one_app_is_offered_no_other(bot: Bot) -> None:
    view = await opened(bot, "/scan", who="cy")
    found = await bot.slack.options("cy", "app", view_id=view["id"])
    assert [option["value"] for option in found["options"]] == ["my-app"]


async def test_a_search_that_fails_offers_nothing_and_is_answered_all_the_same(bot: Bot) -> None:
    view = await opened(bot, "/deploy")
    bot.harness.directory.down = Unavailable("Slack", "users.info", "down")
    assert await bot.slack.options("ana", "app", view_id=view["id"]) == {"ok": True, "options": []}


def view(callback_id: str, metadata: str = "", **values: str) -> dict[str, Any]:
    state = {name: {name: {"type": "plain_text_input", "value": value}} for name, value in values.items()}
    return {"callback_id": callback_id, "private_metadata": metadata, "state": {"values": state}}


@pytest.mark.parametrize(
    ("submitted", "against"),
    [
        (view("reject", reason=" "), {"reason"}),
        (view("reject", reason="too risky"), set()),
        (view("pick.deploy", app="", environment="staging"), {"app"}),
        (view("pick.deploy", app="my-app", environment="none"), {"environment"}),
        (view("pick.deploy", app="my-app", environment="staging", image="not an image"), {"image"}),
        (view("pick.promote", app="my-app", environment="staging", source="nowhere"), {"source"}),
        (view("pick.lock", app="", environment="staging", reason=""), {"reason"}),
        (view("pick.lock", environment="staging", reason="a migration", until="when it is done"), {"until"}),
        (view("pick.lock", environment="staging", reason="a migration", until="for 2h"), set()),
        (view("pick.lock", environment="staging", reason="--", until="mon 08:00"), {"reason"}),
        (view("pick.freeze", environment="staging", until=""), {"until"}),
        (view("pick.pipeline show", run="../pods/secret"), {"run"}),
        (view("pick.pipeline show", run=""), {"run"}),
        (view("pick.scan", app="my-app", environment=""), set()),
        (view("pick.deploy"), set()),
        (view("of another app"), set()),
    ],
)
def test_objections_name_inputs_that_the_view_really_has(submitted: dict[str, Any], against: set[str]) -> None:
    """S13: `errors` for a block that is not there are refused."""
    form = read_form(submitted)
    declared = CommandRegistry.load(commands).form(form.verb)
    assert objections(form, declared, parse(POLICY).environments).keys() == against


@pytest.mark.parametrize("metadata", ["", "not json", "[]", "{}", '{"channel": 3}', "null"])
async def test_metadata_of_any_shape_is_read(metadata: str) -> None:
    assert read_form(view("reject", metadata)).metadata == {}


async def submission(bot: Bot, callback_id: str, **values: str) -> int:
    """A view_submission as any client may send it: Slack does not know what an external select offered."""
    state = {name: {name: {"type": "plain_text_input", "value": value}} for name, value in values.items()}
    view = {"id": "V1", "hash": str(values), "callback_id": callback_id, "state": {"values": state}, "type": "modal"}
    user = {"id": "U0ANA", "team_id": "T0PILOT"}
    payload = {"type": "view_submission", "team": {"id": "T0PILOT"}, "user": user, "view": view}
    answer = await bot.app.async_dispatch(signed(urlencode({"payload": json.dumps(payload)})))
    await bot.idle()
    return len(json.loads(answer.body or "{}").get("errors", {}))


@pytest.mark.parametrize("app", ["../ledger", "my-app@evil.example/x", "nothing", "My-App"])
async def test_an_app_that_was_never_offered_builds_nothing(bot: Bot, app: str) -> None:
    """It would be filled into the source's and the image's addresses."""
    assert await submission(bot, "pick.pipeline run", app=app) == 0
    assert await bot.harness.pipelines.list("", 9) == ()
    await submission(bot, "pick.pipeline run", app="my-app")
    assert [run.app for run in await bot.harness.pipelines.list("", 9)] == ["my-app"]


@pytest.mark.parametrize("revision", ["--upload-pack=id", "-x", "main; id", "a b"])
async def test_a_revision_that_git_would_take_for_an_option_is_refused_in_the_modal(bot: Bot, revision: str) -> None:
    assert await submission(bot, "pick.pipeline run", app="my-app", revision=revision) == 1
    assert await bot.harness.pipelines.list("", 9) == ()
