"""Subscribe, unsubscribe, mute: for oneself always, for a channel only who may."""

from typing import Any

import pytest

from bot.domain.errors import Conflict, InvalidCommand, NotAllowed, UnknownName
from bot.domain.intent import Context, Mute, MuteNews, SubscribeNews, Unmute
from bot.domain.reply import Reply, Subscribed
from bot.domain.subscription import ANNOTATION, SUBSCRIBABLE, Scope, Subscription
from bot.router.buttons import read_button
from bot.router.home import Home
from bot.views import render
from bot.views.ids import Action, NewsValue, encode
from tests.fakes.command_harness import CommandHarness, seed
from tests.sentences import says


async def say(harness: CommandHarness, line: str, user: str = "U0BO", channel: str = "C0TEAM") -> Subscribed:
    reply: Reply = await harness.run(await harness.read(line, Context("r1", channel, "c", "T0PILOT")), user)
    assert isinstance(reply, Subscribed)
    return reply


def scopes(reply: Subscribed) -> list[Scope]:
    return [one.scope for one in reply.mine]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/subscribe my-app", [Scope("my-app")]),
        ("/subscribe my-app prod", [Scope("my-app", "production")]),
        ("/subscribe prod", [Scope("", "production")]),
        ("/subscribe degraded", [Scope("", "", "degraded")]),
        ("/subscribe my-app degraded done in prod", [Scope("my-app", "production", "degraded"),
                                                     Scope("my-app", "production", "done")]),
    ],
)  # fmt: skip
async def test_one_subscribes_oneself_to_what_one_says(
    harness: CommandHarness, line: str, expected: list[Scope]
) -> None:
    reply = await say(harness, line)
    assert scopes(reply) == expected
    assert scopes(await say(harness, line)) == expected, "twice is once"
    assert "You hear about" in reply.sentence
    assert await harness.safety.events() == []


@pytest.mark.parametrize("line", ["/subscribe wombat", "/subscribe my-app degrded", "/subscribe my-app payments",
                                  "/subscribe my-app --all", "/unsubscribe wombat", "/pilothouse mute my-app",
                                  "/pilothouse mute my-app off for 2h", "/subscriptions my-app"])  # fmt: skip
async def test_what_is_not_understood_is_refused(harness: CommandHarness, line: str) -> None:
    with pytest.raises((InvalidCommand, UnknownName)):
        await harness.read(line)


async def test_a_channel_is_subscribed_only_by_who_may_and_that_is_on_record(harness: CommandHarness) -> None:
    with pytest.raises(NotAllowed, match="`subscribe` permission"):
        await say(harness, "/subscribe my-app here", "U0CY")
    reply = await say(harness, "/subscribe my-app here", "U0BO")
    assert [one.listener for one in reply.its] == ["C0TEAM"]
    assert reply.mine == ()
    assert await harness.safety.events() == ["refused", "subscribed"]
    with pytest.raises(NotAllowed):
        await say(harness, "/pilothouse mute my-app here for 2h", "U0CY")
    with pytest.raises(NotAllowed):
        await say(harness, "/unsubscribe my-app here", "U0CY")
    assert (await say(harness, "/unsubscribe my-app here")).its == ()


async def test_in_a_conversation_with_the_bot_there_is_no_channel(harness: CommandHarness) -> None:
    with pytest.raises(Conflict, match="`here` works in channels"):
        await say(harness, "/subscribe my-app here", channel="D0BO")
    assert (await say(harness, "/subscribe my-app", channel="D0BO")).channel == ""


async def test_what_a_channel_hears_of_hidden_apps_is_not_shown(harness: CommandHarness) -> None:
    await say(harness, "/subscribe ledger here")
    await say(harness, "/subscribe my-app here")
    shown = await say(harness, "/subscriptions", "U0CY")
    assert [one.scope.app for one in shown.its] == ["my-app"]


async def test_unsubscribing_takes_what_is_named(harness: CommandHarness) -> None:
    for line in ("/subscribe my-app prod", "/subscribe my-app degraded", "/subscribe payments"):
        await say(harness, line)
    assert scopes(await say(harness, "/unsubscribe my-app degraded")) == [
        Scope("my-app", "production"),
        Scope("payments"),
    ]
    assert scopes(await say(harness, "/unsubscribe my-app")) == [Scope("payments")]
    assert "No subscription" in (await say(harness, "/unsubscribe my-app")).sentence
    assert scopes(await say(harness, "/unsubscribe all")) == []


async def test_muting_has_an_end_and_can_be_taken_back(harness: CommandHarness) -> None:
    reply = await say(harness, "/pilothouse mute my-app prod degraded for 2h")
    (muted,) = reply.muted
    assert muted.scope == Scope("my-app", "production", "degraded")
    assert "You get no news of" in reply.sentence
    assert "🔕" in str(render(reply).blocks)
    assert "/pilothouse unmute" in str(render(reply).blocks), "how it ends earlier"
    assert (await say(harness, "/pilothouse mute my-app off")).muted == ()
    with pytest.raises(InvalidCommand):
        await say(harness, "/pilothouse mute my-app for ever")


@pytest.mark.parametrize(
    ("line", "until"),
    [
        ("/pilothouse mute my-app for 2 weeks", "2 weeks"),
        ("/pilothouse mute until mon 08:00 my-app", "mon 08:00"),
        ("/pilothouse mute for 1 hour", "1 hour"),
        ("/pilothouse mute my-app for 2h prod degraded", "2h"),
    ],
)
async def test_a_time_of_several_words_is_a_time_as_everywhere(harness: CommandHarness, line: str, until: str) -> None:
    asked = await harness.read(line)
    assert isinstance(asked, MuteNews)
    assert asked.until == until
    assert asked.app == ("my-app" if "my-app" in line else "")
    assert asked.environment == ("production" if "prod" in line else "")


async def test_a_bare_mute_is_about_approvals_as_ever(harness: CommandHarness) -> None:
    assert await harness.read("/pilothouse mute", Context("r", "C", "c")) == Mute(context=Context("r", "C", "c"))
    for line in ("/pilothouse mute off", "/pilothouse unmute", "/pilothouse unmute all"):
        assert await harness.read(line, Context("r", "C", "c")) == Unmute(context=Context("r", "C", "c"))


@pytest.mark.parametrize("scope", ["my-app", "my-app prod", "degraded", "my-app here", "here"])
async def test_unmute_takes_back_what_mute_says(harness: CommandHarness, scope: str) -> None:
    assert await harness.read(f"/pilothouse unmute {scope}") == await harness.read(f"/pilothouse mute {scope} off")
    muted = await say(harness, f"/pilothouse mute {scope} for 2h")
    assert len(muted.muted + muted.its_muted) == 1
    heard = await say(harness, f"/pilothouse unmute {scope}")
    assert heard.muted + heard.its_muted == ()
    assert says(heard.sentence, "This channel gets" if "here" in scope else "You get", "no longer muted")


async def test_a_bare_unmute_ends_all_that_is_muted_for_oneself(harness: CommandHarness) -> None:
    await harness.run(await harness.read("/pilothouse mute"), "U0BO")
    for line in ("my-app for 2h", "for 2h", "my-app here for 2h"):
        await say(harness, f"/pilothouse mute {line}")
    reply = await say(harness, "/pilothouse unmute")
    assert (reply.muted, len(reply.its_muted)) == ((), 1), "the channel's is not one's own"
    assert says(reply.sentence, "approvals", "news again")
    assert "Nothing was muted" in (await say(harness, "/pilothouse unmute")).sentence
    await say(harness, "/pilothouse mute for 2h")
    assert not says((await say(harness, "/pilothouse mute off")).sentence, "approvals")


async def test_an_unmute_takes_no_time(harness: CommandHarness) -> None:
    with pytest.raises(InvalidCommand):
        await harness.read("/pilothouse unmute my-app for 2h")


async def test_buttons_below_news_are_for_who_presses(harness: CommandHarness) -> None:
    context = Context("r", "C0TEAM", "c", "T0PILOT")
    value = encode(NewsValue("my-app", "production", "degraded"))
    muted = read_button({"action_id": Action.MUTE_NEWS, "value": value}, context)
    assert isinstance(muted, MuteNews)
    told = read_button({"action_id": Action.SUBSCRIBE_NEWS, "value": value}, context)
    assert told == SubscribeNews(context=context, app="my-app", environment="production", events=("degraded",))
    for intent in (muted, told):
        reply = await harness.run(intent)
        assert isinstance(reply, Subscribed)
        assert not reply.its
        assert not reply.its_muted


async def test_every_event_has_its_word_in_the_help(harness: CommandHarness) -> None:
    help_ = harness.registry.named("subscribe").help.details
    assert all(f"`{event}`" in help_ for event in SUBSCRIBABLE)


class Windows:
    async def publish_home(self, user: str, view: Any) -> None:
        self.shown = str(view)


async def test_home_shows_what_one_is_subscribed_to(harness: CommandHarness) -> None:
    windows = Windows()
    home = harness.make(Home, modals=windows)
    await home.show(await harness.caller("U0BO"))
    assert "🔔" not in windows.shown
    await say(harness, "/subscribe my-app prod degraded")
    await home.show(await harness.caller("U0BO"))
    assert "🔔 Your subscriptions" in windows.shown
    assert "*my-app* in *production* · degraded" in windows.shown
    await home.show(await harness.caller("U0MIA"))
    assert "🔔" not in windows.shown


async def test_home_names_what_waits_however_many_apps_there_are(harness: CommandHarness) -> None:
    """Nobody reads "nothing waits" where nobody looked."""
    harness.overlays.push(seed(*(f"app-{n}" for n in range(20))))
    windows = Windows()
    home = harness.make(Home, modals=windows)
    await home.show(await harness.caller("U0BO"))
    assert says(windows.shown, "Nothing", "in progress")
    await harness.run("/deploy my-app prod", "U0ANA")
    await home.show(await harness.caller("U0BO"))
    assert not says(windows.shown, "Nothing", "in progress")
    assert "my-app → production" in windows.shown
    assert "The unwell first, of 23 apps." in windows.shown


async def test_what_annotations_say_of_a_channel_is_listed_in_it(harness: CommandHarness) -> None:
    """They call it by its name."""

    async def id_of(name: str) -> str:
        return {"team": "C0TEAM"}.get(name, "C0OTHER")

    await harness.safety.channels.learn(harness.policy, id_of)
    found = [Subscription(name, Scope("my-app", "production", "deployed"), ANNOTATION) for name in ("team", "other")]
    await harness.safety.stores.subscriptions.annotate({("my-app", "production"): found})
    shown = await say(harness, "/subscriptions")
    assert [one.listener for one in shown.its] == ["team"]
    assert "annotation" in str(render(shown).blocks)


@pytest.mark.parametrize(
    ("line", "still"),
    [
        ("/pilothouse mute my-app here for 2h", "this channel still hears of promotions, alerts"),
        (
            "/pilothouse mute my-app for 2h",
            "the results of your promotions and the ends of the pipeline runs",
        ),
    ],
)
async def test_a_mute_says_what_it_does_not_hold(harness: CommandHarness, line: str, still: str) -> None:
    """The rest is silence that nobody asked for, or a promise that is not kept."""
    reply = await harness.run(line, "U0BO")
    assert isinstance(reply, Subscribed)
    assert still in reply.sentence
