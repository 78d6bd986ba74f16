"""S19, S20: whatever the domain holds, what is rendered is within Slack's limits."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import HeaderBlock

import commands
from bot.command import CommandRegistry
from bot.domain.delivery import Fact, HealthChanged
from bot.domain.event import Event
from bot.domain.form import CommandForm
from bot.domain.image import Image
from bot.domain.intent import BreakingWish, Context, Deploy, Promote, Rollback, Wish
from bot.domain.promotion import Promotion, Stage
from bot.domain.queueing import Waiting
from bot.domain.reply import (
    Choice,
    DryRun,
    HelpPage,
    Holds,
    Occupied,
    Picker,
    Queued,
    ReasonForm,
    Reply,
    RollbackChoices,
    RunDetail,
    RunList,
    RunLog,
    ScanReport,
    ScanReports,
    Shown,
    Started,
    StatusDetail,
    StatusOverview,
    StatusPage,
    StatusRow,
    SyncAsked,
    Told,
)
from bot.domain.safety import ClosedWindow, Lock, Review
from bot.domain.subscription import Subscription
from bot.ports import Rendered
from bot.views import (
    card,
    closing_modal,
    home,
    loading_modal,
    modal,
    notice,
    options,
    ready,
    render,
    result,
    thread_note,
)
from bot.views.home import HomeTab
from bot.views.layout import TEXT_LIMIT, context, rendered
from bot.views.refusal import refusal
from bot.views.words import width
from commands.deploy import FORM
from integrations.sandbox.slack.blockkit.surfaces import message_blocks, view_definition

HOSTILE = ("<!channel>", "&amp;", "```", "`", "*", "🚀", "\u202e", "\ud800", "\x00", "\n", "|", "𝔘", "é", "<@U0ANA>")
# Few draws each, for a message has hundreds of texts and times.
wild_text = st.one_of(
    st.text(st.characters(), max_size=30),
    st.sampled_from([part * times for part in HOSTILE for times in (1, 200, 3001)]),
    st.sampled_from(["", " ", "my-app", "https://example.com/a?b=c&d=<e>|f", "https://" + "x" * 4000]),
)
FORMS = [command.form for command in CommandRegistry.load(commands) if command.form]
FIRST, CENTURY = datetime(1990, 1, 1, tzinfo=UTC), timedelta(days=36_525)
durations = st.integers(0, CENTURY // timedelta(milliseconds=1)).map(lambda number: timedelta(milliseconds=number))
moments = durations.map(lambda after: FIRST + after)


LIVE = re.compile(
    r"<(@[UW]\w+|#[CGD]\w+|!subteam\^S\w+|!date\^-?\d+\^[{}\w ]+\|[\w: -]+|https?://[^<>|]+\|[^<>|]+)>"
    r"|&(amp|lt|gt);"
)


def wild(kind: Any, *, long: bool = True) -> st.SearchStrategy[Any]:
    return _wild(kind, long)


@cache
def _wild(kind: Any, long: bool) -> st.SearchStrategy[Any]:
    """Any value of a type, with texts and lists that are as bad as they come.

    Any list may be long, but none within one that is: 130 times 130 texts of 12,000 characters are gigabytes, and
    hold no message that either list alone does not.
    """
    if kind is str:
        return wild_text
    if kind is datetime:
        return moments
    if kind is timedelta:
        return durations
    if kind is int:
        return st.integers(0, 10**9)
    if kind is Image:
        digests = st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:{}".format)
        return st.builds(Image, wild_text, digests, wild_text)
    if kind is Rendered:
        return wild_text.map(refusal)
    if kind is CommandForm:  # they are written in the commands, and nobody sends one
        return st.sampled_from(FORMS)
    if kind in (Wish, BreakingWish):
        return st.one_of([wild(asked, long=long) for asked in (Deploy, Promote, Rollback)])
    if get_origin(kind) is tuple and ... not in get_args(kind):
        return st.tuples(*(wild(part, long=long) for part in get_args(kind)))
    if get_origin(kind) in (tuple, Sequence):
        part = get_args(kind)[0]
        few = st.lists(wild(part, long=long), max_size=3).map(tuple)
        return st.one_of(few, many(wild(part, long=False))) if long else few
    if get_origin(kind) in (dict, Mapping):
        key, value = (wild(part, long=long) for part in get_args(kind))
        return st.dictionaries(key, value, max_size=4)
    if get_args(kind):
        return st.one_of([wild(part, long=long) for part in get_args(kind)])
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{field.name: wild(hints[field.name], long=long) for field in fields(kind)})
    return st.from_type(kind)


def many(one: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.builds(lambda some: (tuple(some) * 60)[:130], st.lists(one, max_size=3))


PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
"""without shrinking, which takes five minutes here and then shows three megabytes"""
wilder = settings(max_examples=12, phases=PHASES, suppress_health_check=list(HealthCheck))


def accept(message: Rendered) -> None:
    """Slack takes the message, as it is posted with its colour and without."""
    message_blocks(list(message.blocks))
    assert 0 < width(message.text) <= 4000
    for text in (message.text, *mrkdwn(message.blocks)):
        text.encode()
        assert not re.search("[<>&]", LIVE.sub("", text)), "an entity is cut, or something from outside is not escaped"


def mrkdwn(value: Any) -> Iterator[str]:
    """Every text in which Slack looks for entities."""
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield value["text"]
        for part in value.values():
            yield from mrkdwn(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from mrkdwn(part)


@wilder
@given(wild(Promotion), wild_text)
def test_cards(promotion: Promotion, approvers: str) -> None:
    """S19."""
    accept(card(promotion, approvers=approvers, careful={promotion.plan.environment}))


@wilder
@given(wild(Promotion), st.sampled_from(Event))
def test_notes(promotion: Promotion, event: Event) -> None:
    accept(thread_note(promotion, event))
    accept(notice(promotion, event))
    accept(result(promotion))
    accept(ready(promotion))


@pytest.mark.parametrize(
    "kind",
    [
        DryRun,
        HelpPage,
        Holds,
        Occupied,
        Queued,
        RollbackChoices,
        RunDetail,
        RunList,
        RunLog,
        ScanReport,
        ScanReports,
        Shown,
        Started,
        StatusOverview,
        StatusDetail,
        SyncAsked,
        Told,
    ],
)
def test_replies(kind: type[Reply]) -> None:
    """S19."""

    @wilder
    @given(wild(kind))
    def check(reply: Reply) -> None:
        accept(render(reply))

    check()


@wilder
@given(st.one_of(wild(Picker), wild(ReasonForm)), wild_text)
def test_modals(form: Picker | ReasonForm, metadata: str) -> None:
    """S19."""
    view_definition(modal(form, metadata[:3000]), "modal")
    view_definition(loading_modal(metadata), "modal")
    view_definition(closing_modal(metadata, "It is gone."), "modal")


@wilder
@given(wild(tuple[Promotion, ...]), wild(tuple[StatusRow, ...]), wild(tuple[str, ...]))
def test_home(live: tuple[Promotion, ...], overview: tuple[StatusRow, ...], commands: tuple[str, ...]) -> None:
    view_definition(home(HomeTab(live, overview, live[:1]), commands), "home")


@wilder
@given(wild(Review), wild(HealthChanged), wild(Promotion), wild(StatusRow), wild(Subscription))
def test_home_when_there_is_too_much_of_everything(
    review: Review, health: HealthChanged, live: Promotion, row: StatusRow, heard: Subscription
) -> None:
    ill, now, by = replace(health, healthy=False), datetime.now(UTC), review.by
    wish = Deploy(context=Context("r1", "C", "c"), app="a" * 300, environment="production", image="i" * 300)
    locks = tuple(Lock(f"app-{n}", "production", by, review.reason, now) for n in range(12))
    windows = tuple(ClosedWindow("production", review.reason, None, f"app-{n}") for n in range(12))
    tab = HomeTab(
        [replace(live, stage=stage) for stage in (Stage.APPROVAL, Stage.FOLLOW) for _ in range(12)],
        [row] * 40,
        [replace(live, plan=replace(live.plan, id=f"mine-{n}")) for n in range(12)],
        [replace(review, promotion_id="mine")] * 12,
        Holds(locks, (), (), (review,) * 12, windows),
        [Fact(str(n), now, f"app-{n}", "production", ill) for n in range(12)],
        [Waiting(wish, "U0ANA", "T0PILOT", now)] * 12,
        [replace(heard, scope=replace(heard.scope, app=f"app-{n}")) for n in range(12)],
        StatusPage(1, 9, 900, 3),
    )
    view = home(tab, ["/status"])
    view_definition(view, "home")
    titles = [block["text"]["text"] for block in view["blocks"] if block["type"] == "header"]
    assert (titles[0], titles[-1]) == ("⏳ Waiting for you", "What runs where")


@given(many(wild(Choice)), wild_text)
def test_options(choices: tuple[Choice, ...], typed: str) -> None:
    found = options(choices, typed)["options"]
    assert len(found) <= 100
    assert all(0 < width(one["text"]["text"]) <= 75 and 0 < len(one["value"]) <= 150 for one in found)


def test_metadata_that_slack_would_refuse() -> None:
    with pytest.raises(ValueError, match="3000 characters, not 3001"):
        modal(Picker("deploy", FORM, (), ()), "x" * 3001)


def test_a_block_beyond_its_limit_is_found_before_slack_sees_it() -> None:
    """S20: a model checks itself; a plain dict would be sent, and the whole message refused."""
    with pytest.raises(SlackObjectFormationError, match="150"):
        rendered("x", [HeaderBlock(text="x" * 151)])


def test_a_context_holds_what_fits() -> None:
    shown = context("kept", "x" * (TEXT_LIMIT + 1)).to_dict()
    message_blocks([shown])
    assert [element["text"] for element in shown["elements"]] == ["kept", "and 1 more"]
