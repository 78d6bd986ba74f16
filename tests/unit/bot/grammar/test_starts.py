"""A start in words at the end of a command, and what is nearly one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import InvalidCommand, UserError
from bot.domain.intent import Deploy, Promote
from bot.grammar import is_start, read_start
from bot.grammar.moments import is_time
from bot.grammar.starts import FORMS
from tests.unit.bot.grammar.test_words import USUAL, deploy, read

STARTS = {
    "at 22:00": "22:00",
    "At 22:00": "22:00",
    "at 9pm": "9pm",
    "at 9 p.m.": "9 pm",
    "at noon": "noon",
    "at 22:00 utc": "22:00 utc",
    "at 22:00 tomorrow": "22:00 tomorrow",
    "at 22:00 on monday": "22:00 on monday",
    "22:00 tomorrow": "22:00 tomorrow",
    "tomorrow 9:00": "tomorrow 9:00",
    "Tomorrow 09:00": "tomorrow 09:00",
    "at tomorrow 9:00": "tomorrow 9:00",
    "tomorrow at 9:00": "tomorrow at 9:00",
    "tomorrow at 9am": "tomorrow at 9am",
    "today at 23:59": "today at 23:59",
    "monday 9:00": "monday 9:00",
    "on monday 9:00": "monday 9:00",
    "on Mon at 9am": "mon at 9am",
    "2026-12-05 08:00": "2026-12-05 08:00",
    "on 2026-12-05 at 08:00": "2026-12-05 at 08:00",
}
NEARLY = (
    "22:00", "9am", "tomorrow", "monday", "tomorrow 9am", "tomorrow noon", "at 22", "at 22h", "at 2h", "in 2h", "2h",
    "in 10 minutes", "in ten minutes", "at 25:00", "at 22:00-23:00", "at 22:00 cet", "at 22:00 -02:00", "5 dec 9:00",
    "at 5 dec 9:00", "2026-12-05T08:00", "noon", "tonight", "at 22:00?", "at 22:00!", "at 22:00.", "at 22:00, please",
    "when it opens", "when opened", "when-open", "open", "when", "once open", "if open", "whenever open",
    "when open please", "when open at 22:00", "at 22:00 when open", "at 22:00 and 23:00", "at 22:00 or tomorrow 9:00",
    "at 22:00 tomorrow 9:00", "monday and tuesday 9:00", "mon, tue 9:00", "every monday 9:00", "daily at 9:00",
    "next monday 9:00", "not before tomorrow 9:00", "not at 22:00", "after tomorrow 9:00", "before tomorrow 9:00",
    "until tomorrow 9:00", "by tomorrow 9:00", "from tomorrow 9:00", "yesterday 9:00", "2 monday 9:00",
    "9 tomorrow 9:00", "in tomorrow 9:00", "to tomorrow 9:00", '"when open"', '"at 22:00"', 'at "22:00"', '"at" 22:00',
    "'tomorrow 9:00'", "this monday 9:00", "at 9:00 sharp", "@ 22:00", "heute 22:00", "tmrw 9:00", "tomorow 9:00",
    "2h after tomorrow 9:00", "between 9:00 and tomorrow 10:00", "without at 22:00", "never when open",
)  # fmt: skip


@pytest.mark.parametrize("words", STARTS)
@pytest.mark.parametrize("before", ["/deploy my-app prod", "/deploy prod my-app", "/pilothouse deploy my-app to prod"])
def test_a_time_at_the_end_is_when_it_starts(before: str, words: str) -> None:
    assert read(f"{before} {words}") == deploy("my-app", "production", at=STARTS[words])
    assert is_time(STARTS[words])  # the one reader of times understands it


@pytest.mark.parametrize("words", ["when open", "When Open", "WHEN OPEN"])
def test_when_open_at_the_end_waits_until_nothing_holds_it(words: str) -> None:
    assert read(f"/deploy my-app@1.4.2 prod {words}") == deploy("my-app", "production", "1.4.2", when_open=True)
    train = read(f"/promote staging to prod {words}")
    assert isinstance(train, Promote)
    assert (train.source, train.when_open) == ("staging", True)


@pytest.mark.parametrize("words", NEARLY)
@pytest.mark.parametrize("before", ["/deploy my-app prod", "/promote my-app to prod", "/deploy my-app@1.4.2 to prod"])
def test_what_is_nearly_one_starts_nothing(before: str, words: str) -> None:
    with pytest.raises(UserError):
        read(f"{before} {words}")


@pytest.mark.parametrize("words", ["22:00", "tomorrow 9am", "at 22", "in 2h", "when it opens", "when-open", "open"])
def test_the_answer_names_the_forms(words: str) -> None:
    with pytest.raises(InvalidCommand) as asked:
        read(f"/deploy my-app prod {words}")
    assert FORMS in asked.value.sentence
    assert "`--at`" in asked.value.sentence


@pytest.mark.parametrize(
    "typed",
    [
        "/deploy at 22:00 my-app prod",
        "/deploy my-app at 22:00 prod",
        "/deploy when open my-app prod",
        "/rollback my-app prod at 22:00",
        "/rollback my-app prod when open",
        "/pipeline run my-app at 22:00",
        "/pipeline run my-app when open",
        "/deploy my-app prod at 22:00 ! it burns",
        "/deploy my-app prod when open ! it burns",
        "/deploy my-app at 22:00",
        "/deploy when open",
        "/deploy my-app prod --at 21:00 at 22:00",
        "/deploy my-app prod --when-open at 22:00",
        "/deploy my-app prod --at 21:00 when open",
        "/deploy my-app prod --when-open when open",
    ],
)
def test_only_at_the_end_once_and_of_what_can_wait(typed: str) -> None:
    with pytest.raises(InvalidCommand):
        read(typed)


@pytest.mark.parametrize("opener", ["--reason", "!", "--break-glass"])
def test_inside_a_reason_it_is_the_reason(opener: str) -> None:
    for words in ("fix it at 22:00", "fix it when open", "tomorrow 9:00"):
        asked = read(f"/deploy my-app prod {opener} {words}")
        assert isinstance(asked, Deploy)
        assert (asked.reason, asked.at, asked.when_open) == (words, "", False)


def test_before_a_reason_it_is_a_time() -> None:
    assert read("/deploy my-app prod at 22:00 --reason x") == deploy("my-app", "production", at="22:00", reason="x")
    assert read('/deploy --reason "x" my-app prod when open') == deploy(
        "my-app", "production", reason="x", when_open=True
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [("open", "when open"), ("when", "when open"), ("at", "at 22:00"), ("monday", "on monday 9:00"),
     ("on", "on mon 9:00"), ("tomorrow", "tomorrow 9:00"), ("Open", "when open"), ("utc", "at 22:00 utc"),
     ("noon", "at noon")],
)  # fmt: skip
def test_where_something_has_that_name_it_is_asked(name: str, words: str) -> None:
    with pytest.raises(InvalidCommand) as asked:
        read(f"/deploy my-app prod {words}", (*USUAL, name))
    assert "may say when it starts, or name" in asked.value.sentence
    assert "`app:" in asked.value.sentence
    assert "`--when-open`" in asked.value.sentence or "`--at " in asked.value.sentence


@given(st.sampled_from(sorted(STARTS)), st.sampled_from(["app:open", "app:at", "env:prod"]))
def test_a_kind_before_the_name_still_leaves_it_to_the_flag(words: str, named: str) -> None:
    """Somebody whose app is called `open` says so, and the time with its flag."""
    text = f"/deploy {named} {'prod' if named.startswith('app') else 'my-app'} --at {STARTS[words]}"
    asked = read(text, (*USUAL, "open", "at"))
    assert isinstance(asked, Deploy)
    assert asked.at == STARTS[words].lower()


TIMED = (
    "at", "on", "when", "open", "22:00", "9:00", "9am", "9pm", "22h", "2h", "tomorrow", "today", "monday", "mon",
    "2026-12-05", "noon", "utc", "--at", "--when-open",
)  # fmt: skip
WORDS = st.sampled_from((*TIMED, "in", "to", "and", "or", "not", "2", "next", "every", "please", "my-app", "1.4.2"))


@given(st.lists(WORDS, min_size=1, max_size=6))
def test_no_mixture_loses_a_time(words: list[str]) -> None:
    """Whatever holds a word of a time starts later, or nothing."""
    try:
        asked = read(f"/deploy my-app prod {' '.join(words)}")
    except UserError:
        return
    assert isinstance(asked, Deploy)
    assert bool(asked.at or asked.when_open) == bool(set(TIMED).intersection(words))


@given(st.sampled_from(sorted(STARTS)), st.sampled_from(["x", "not", "every", "or", "until", "?", '"q"', "5"]))
def test_a_word_more_is_asked_about(words: str, more: str) -> None:
    for text in (f"{words} {more}", f"{more} {words}"):
        try:
            asked = read(f"/deploy my-app@1.4.2 prod {text}")
        except UserError:
            continue
        raise AssertionError(f"{text}: {asked}")


@pytest.mark.parametrize(
    "text", ["22:00", "at 22:00", "tomorrow 9am", "in the form any time", "2h", "when open", "5 dec"]
)
def test_in_a_form_any_time_is_good(text: str) -> None:
    assert is_start(text) == (text != "in the form any time")


@given(st.text(max_size=40))
def test_what_stands_in_the_form_is_never_taken_for_now(text: str) -> None:
    start = read_start(text)
    assert start.when_open or bool(start.at) == bool(text.split())
