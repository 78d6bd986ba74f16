"""Pickers and forms."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

import commands
from bot.command import CommandRegistry
from bot.domain.caller import Person
from bot.domain.delivery import Fact, HealthChanged
from bot.domain.intent import Context, Deploy
from bot.domain.promotion import Stage
from bot.domain.queueing import Waiting
from bot.domain.reply import Choice, Holds, Picker, ReasonForm, StatusPage
from bot.domain.safety import ClosedWindow, Freeze, Lock, Review
from bot.domain.subscription import Scope, Subscription
from bot.views import home, loading_modal, modal, options
from bot.views.home import HomeTab
from bot.views.ids import verb_of
from tests.views.reading import view_lines
from tests.views.samples import AT, promotion

COMMANDS = CommandRegistry.load(commands)
APPS = (Choice("my-app", "my-app"), Choice("storefront", "storefront"))
ENVIRONMENTS = tuple(Choice(name, name) for name in ("development", "staging", "production"))


def picker(verb: str, app: str = "", environment: str = "") -> Picker:
    form = COMMANDS.form(verb)
    assert form
    return Picker(verb, form, APPS, ENVIRONMENTS, app, environment)


def test_deploy() -> None:
    view = modal(picker("deploy", "my-app", "staging"), '{"channel":"C0DEPLOY"}')
    assert view_lines(view) == [
        "App: <external_select = my-app>",
        "Environment: <static_select = staging>",
        "Image (optional): <external_select>",
        "Start (optional): <plain_text_input>",
        "Reason (optional): <plain_text_input>",
    ]
    assert (view["callback_id"], view["submit"]["text"], view["private_metadata"]) == (
        "pick.deploy",
        "Deploy",
        '{"channel":"C0DEPLOY"}',
    )
    assert verb_of(view["callback_id"]) == "deploy"


def test_the_last_environment_is_never_chosen_beforehand() -> None:
    assert view_lines(modal(picker("deploy", "my-app", "production"), ""))[1] == "Environment: <static_select>"


def test_production_that_is_not_the_last_is_never_chosen_beforehand_either() -> None:
    offered = picker("deploy", "my-app", "staging")
    assert "staging" in view_lines(modal(offered, ""))[1]
    assert view_lines(modal(replace(offered, careful=frozenset({"staging"})), ""))[1] == "Environment: <static_select>"


@pytest.mark.parametrize(
    ("verb", "asks"),
    [
        ("promote", ["app", "environment", "source", "start", "reason"]),
        ("rollback", ["app", "environment", "to", "reason"]),
        ("scan", ["app", "environment", "image"]),
        ("pipeline run", ["app", "revision"]),
        ("pipeline show", ["run"]),
        ("lock", ["app", "environment", "until", "reason"]),
        ("unlock", ["app", "environment"]),
        ("freeze", ["app", "environment", "until", "reason"]),
        ("history", ["app", "environment"]),
    ],
)
def test_each_verb_asks_for_what_it_needs(verb: str, asks: list[str]) -> None:
    """S16: block and action ids are the same, so that an update keeps what was typed."""
    blocks = modal(picker(verb), "")["blocks"]
    assert [block["block_id"] for block in blocks] == asks
    assert [block["element"]["action_id"] for block in blocks] == asks


def test_where_images_come_from_is_never_chosen_beforehand() -> None:
    lines = view_lines(modal(picker("promote", "my-app", "staging"), ""))
    assert lines[1:3] == ["Environment: <static_select = staging>", "From (optional): <static_select>"]


def test_a_rejection_needs_a_reason() -> None:
    view = modal(ReasonForm(promotion()), "p-7f3a")
    assert view_lines(view) == ["*my-app → production · v1.4.1 → v1.4.2*", "Why not?: <plain_text_input>"]
    assert view["callback_id"] == "reject"
    assert not view["blocks"][1].get("optional")


def test_the_wait_before_a_modal() -> None:
    """S15."""
    assert view_lines(loading_modal("Deploy")) == ["⏳ One moment, looking things up…"]


def test_options_hold_what_was_typed_and_begin_with_it_first() -> None:
    choices = [Choice(name, name) for name in ("my-app", "app-store", "ledger")]
    found = [option["value"] for option in options(choices, " APP ")["options"]]
    assert found == ["app-store", "my-app"]


ANA, MIA = Person("U0ANA", "Ana", "ana@example.com"), Person("U0MIA", "Mia")
WHEN = datetime(2026, 5, 4, 14, 2, tzinfo=UTC)
OWED = Review("p-7f3a", ("my-app",), "production", ANA, "login is down", WHEN)
OWED_LINES = [
    "my-app in *production* · @U0ANA 2026-05-04 14:02 UTC: login is down · `p-7f3a`",
    "`/review p-7f3a WHAT YOU FOUND`",
]
NOTHING_WAITS = ["# ⏳ Waiting for you", "Nothing waits for you."]
NOTHING_MOVES = "Nothing that you may view is in progress or waiting for an approval."


def of(tab: HomeTab) -> list[str]:
    """What is above the overview."""
    shown = view_lines(home(tab))
    return shown[: shown.index("---")]


def test_home_tells_the_reviews_that_are_owed_and_how_many_more_apps_there_are() -> None:
    held = Holds((), (), (), (OWED,))
    assert of(HomeTab(held=held)) == [*NOTHING_WAITS, NOTHING_MOVES, "# 👀 Waiting for a review", *OWED_LINES]
    assert of(HomeTab(held=held, my_reviews=(OWED,))) == ["# ⏳ Waiting for you", *OWED_LINES, NOTHING_MOVES]
    shown = view_lines(home(HomeTab(page=StatusPage(1, 9, 90, 2))))
    assert "(The unwell first, of 90 apps. `/status` lists all.)" in shown


def test_home_begins_with_what_waits_for_its_owner() -> None:
    line = [
        "🚀 *my-app → production · v1.4.1 → v1.4.2* · requested by @U0ANA in #C0DEPLOY",
        "Waiting for an approval from release-managers. [Show it]",
    ]
    one = promotion()
    assert of(HomeTab([one], mine=[one])) == ["# ⏳ Waiting for you", *line]
    assert of(HomeTab([one])) == [*NOTHING_WAITS, "# 🚦 Waiting for an approval", *line]
    assert of(HomeTab()) == [*NOTHING_WAITS, NOTHING_MOVES]


def test_home_never_says_that_nothing_waits_where_nobody_could_say() -> None:
    assert of(HomeTab(mine=None))[:2] == [
        "# ⏳ Waiting for you",
        "⚠️ It is not known what waits for your approval: Slack did not answer. Open this tab again in a minute, or run "
        "`/approve`.",
    ]


def test_home_shows_what_is_held_and_what_starts_later_after_what_moves_and_what_is_unwell() -> None:
    ill = HealthChanged(healthy=False, status="Degraded", resource="Deployment x", message="it <crashes>")
    moving = promotion(stage=Stage.FOLLOW)
    lock = Lock("my-app", "production", ANA, "a migration", WHEN)
    freeze = Freeze("f-1", "staging", MIA, "INC-1", WHEN, WHEN)
    window = ClosedWindow("production", "year end", WHEN)
    wish = Deploy(context=Context("r1", "C", "c"), app="ledger", environment="production", image="1.4.2", start_at=WHEN)
    at = "2026-05-04 14:02 UTC"
    tab = HomeTab(
        [moving], unwell=[Fact("k", AT, "my-app", "production", ill)],
        held=Holds((lock,), (freeze,), (), (), (window,)),
        later=[Waiting(wish, "U0ANA", "T0PILOT", WHEN)],
    )  # fmt: skip
    shown = of(tab)
    assert [line for line in shown if line.startswith("# ")] == [
        "# ⏳ Waiting for you", "# 🔄 On their way", "# 🔴 Unwell", "# 🔒 Held", "# 🗓️ Starts later",
    ]  # fmt: skip
    unwell, held, later = (shown.index(f"# {title}") for title in ("🔴 Unwell", "🔒 Held", "🗓️ Starts later"))
    assert shown[unwell + 1].startswith("*my-app* in *production* has been Degraded since ")
    assert shown[unwell + 2] == "Deployment x: it <crashes>"
    assert shown[held + 1 : later] == [
        f"🔒 *my-app* in *production* · @U0ANA since {at}: a migration",
        f"❄️ All of *staging* · @U0MIA until {at}: INC-1",
        f"❄️ All of *production* · by policy until {at}: year end.",
    ]
    assert shown[later + 1] == f"🗓️ *ledger@1.4.2 → production* · {at}"
    assert shown[later + 2].endswith("[Cancel]")


def test_subscriptions_on_home_have_a_title_of_their_own() -> None:
    lock = Lock("my-app", "production", ANA, "a migration", WHEN)
    mine = Subscription("U0ANA", Scope("storefront"), "U0ANA")
    shown = of(HomeTab(held=Holds((lock,), (), ()), subscriptions=[mine]))
    assert shown[-3:] == [
        "# 🔔 Your subscriptions",
        "*storefront* in *every environment*",
        "(`/subscriptions` lists them all, `/subscribe` adds more.)",
    ]


def test_home_ends_with_what_runs_where() -> None:
    shown = view_lines(home(HomeTab(), ["/deploy my-app staging"]))
    assert shown[shown.index("---") :] == [
        "---",
        "# What runs where",
        "No apps are known yet: they are found in the overlay repository.",
        "---",
        "(Try `/deploy my-app staging`)",
    ]
