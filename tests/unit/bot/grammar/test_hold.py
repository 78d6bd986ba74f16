"""Locks and freezes in words: where, until when, why."""

import pytest

from bot.domain.environment import Environment
from bot.domain.errors import InvalidCommand, UnknownName
from bot.domain.intent import Context
from bot.grammar import Vocabulary, Words, tokenize

VOCABULARY = Vocabulary(
    ("my-app", "payments", "prod-tools"),
    (Environment("staging", 0, ("stg",)), Environment("production", 1, ("prod", "prd"))),
)


def words(text: str) -> Words:
    found = Words(Context("r1", "C1", "c1"), "lock", "/lock [APP] ENV [--for TIME] REASON", tokenize(text))
    found.vocabulary = VOCABULARY
    return found


@pytest.mark.parametrize(
    "text",
    [
        "my-app prod a migration",
        "prod my-app a migration",
        "prod on my-app: a migration",
        "my-app in prod: a migration",
        "env:prod app:my-app a migration",
        "prod my-app : a migration",
        "MY-APP Prod a migration",
    ],
)
def test_the_names_come_in_any_order_and_the_rest_is_the_reason(text: str) -> None:
    hold = words(text).hold()
    assert (hold.place.app, hold.place.environment, hold.until, hold.reason) == (
        "my-app",
        "production",
        "",
        "a migration",
    )


@pytest.mark.parametrize(
    ("text", "until", "reason"),
    [
        ("my-app prod --for 2h a migration", "2h", "a migration"),
        ("--for 2h my-app prod a migration", "2h", "a migration"),
        ("my-app prod a migration --for 2h", "2h", "a migration"),
        ("my-app prod --for=2h a migration", "2h", "a migration"),
        ('my-app prod --until "mon 08:00" a migration', "mon 08:00", "a migration"),
        ("my-app prod for 2h a migration", "2h", "a migration"),
        ("my-app prod until mon 08:00 a migration", "mon 08:00", "a migration"),
        ("my-app prod 2h a migration", "2h", "a migration"),
        ("my-app prod for payments to come", "", "for payments to come"),
        ("my-app prod: until fri we wait", "", "until fri we wait"),
        ("my-app prod because prod hurts", "", "because prod hurts"),
        ("my-app prod a migration until 18:00", "18:00", "a migration"),
        ("my-app prod a freeze for the audit for 2 days", "2 days", "a freeze for the audit"),
        ("my-app prod: a rest until fri is fine", "", "a rest until fri is fine"),
        ("my-app prod --reason a rest until fri is fine", "", "a rest until fri is fine"),
        ('my-app prod until fri "a rest until mon"', "fri", "a rest until mon"),
        ("my-app prod until 17h --reason=the audit!", "17:00", "the audit!"),
        ('my-app prod --reason=the "big" until fri is fine', "", 'the "big" until fri is fine'),
        ("my-app prod for 17h the audit", "17h", "the audit"),
        ("my-app prod for half an hour the audit", "half an hour", "the audit"),
        ("my-app prod", "", ""),
    ],
)
def test_a_time_stands_behind_the_names_or_behind_a_flag(text: str, until: str, reason: str) -> None:
    hold = words(text).hold()
    assert (hold.place.app, hold.place.environment, hold.until, hold.reason) == ("my-app", "production", until, reason)


def test_an_environment_alone_is_all_of_it() -> None:
    hold = words("prod the audit").hold()
    assert (hold.place.apps, hold.place.environment, hold.reason) == ((), "production", "the audit")


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("prod my-ap is broken", InvalidCommand, "`my-ap` does not name an app. Did you mean `my-app`?"),
        ("my-ap prod is broken", UnknownName, "`my-ap` does not name an app or an environment. Did you mean `my-app`?"),
        ("my-app prod --for ever", InvalidCommand, "No time follows `--for`"),
    ],
)
def test_a_mistyped_app_never_holds_the_whole_environment(text: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error) as told:
        words(text).hold()
    assert says in str(told.value)


def test_a_colon_makes_a_reason_of_what_looks_like_a_name() -> None:
    hold = words("prod: my-ap is no app").hold()
    assert (hold.place.app, hold.reason) == ("", "my-ap is no app")


def test_an_image_is_named_with_its_app() -> None:
    found = words("MY-APP@1.4.2 leaks memory")
    assert found.names_image
    assert found.app_and_image("the image") == ("my-app", "1.4.2")
    assert found.rest() == "leaks memory"
    assert not words("p-abc no").names_image
    for wrong in ("", "my-app", "@1.4.2", "my-app@sha256:12"):
        with pytest.raises(InvalidCommand, match="Expected"):
            words(wrong).app_and_image("the image")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("my-app prod until whenever a migration", "`whenever` is not a time."),
        ("my-app prod until", "`until` needs a time after it."),
        ("my-app prod for 2 fortnights a migration", "`2` is not a time."),
        ("my-app prod --until whenever a migration", "No time follows `--until`."),
        ("my-app prod a migration --for", "`--for` stands inside the reason."),
    ],
)
def test_a_time_that_cannot_be_read_is_no_reason_to_hold_something_for_ever(text: str, says: str) -> None:
    with pytest.raises(InvalidCommand) as refused:
        words(text).hold()
    assert refused.value.sentence.startswith(says)
    assert "Times look like" in refused.value.sentence or "inside" in says
