"""Text from outside cannot pose as ours, ping anybody, or break a limit."""

import html
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.caller import Person
from bot.domain.duration import lasted
from bot.domain.sentence import listed
from bot.views.words import (
    block_of_code,
    clean,
    code,
    joined,
    link,
    mention,
    moment,
    named,
    plain,
    safe,
    title,
    width,
    with_mentions,
)


def test_exactly_three_characters_are_escaped() -> None:
    """S6."""
    assert safe('<a> & "b" *c*') == '&lt;a&gt; &amp; "b" *c*'


@given(st.text(st.characters()), st.integers(2, 60))
def test_a_cut_is_within_the_limit_and_cuts_no_entity(text: str, limit: int) -> None:
    """S19."""
    shown = safe(text, limit)
    assert 0 < width(shown) <= limit
    unescaped = html.unescape(shown)
    whole = clean(text)
    assert unescaped == (whole or "—") or whole.startswith(unescaped.removesuffix("…"))


@given(st.text(st.characters()))
def test_plain_text_is_not_escaped(text: str) -> None:
    """S6: plain_text is not parsed."""
    assert plain(text, 10_000) == (clean(text) or "—")


def test_length_is_counted_as_slack_may_count_it() -> None:
    assert width("🚀") == 2
    assert plain("🚀" * 10, 5) == "🚀🚀…"


def test_nothing_invisible_gets_through() -> None:
    assert clean("a\u202eb\x00c\u200bd\ud800e\r\n f") == "abcde f"
    assert clean("👩\u200d🚀") == "👩\u200d🚀"


def test_code_cannot_be_left() -> None:
    assert code("a`b") == "`a'b`"
    assert block_of_code(["a", "```", "b"], 100) == "```\na\n'''\nb\n```"


def test_the_last_lines_are_kept() -> None:
    shown = block_of_code([f"line {n}" for n in range(1000)], 60)
    assert shown.endswith("line 999\n```")
    assert len(shown) <= 60


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.com/a?b=1&c=2", "<https://example.com/a?b=1&amp;c=2|here>"),
        ("https://example.com/a|b>", "<https://example.com/a%7Cb%3E|here>"),
        ("javascript:alert(1)", "here"),
        ("", "here"),
        ("https://", "here"),
        ("https://[", "here"),
        ("https://example.com/a b", "<https://example.com/a%20b|here>"),
        ("https://example.com/\u202e", "here"),
        ("https://example.com/" + "x" * 1000, "here"),
    ],
)
def test_links(url: str, shown: str) -> None:
    assert link(url, "here") == shown


def test_a_label_cannot_end_its_link() -> None:
    assert link("https://example.com", "a|b>c") == "<https://example.com|a¦b&gt;c>"


def test_people() -> None:
    """S6."""
    assert mention(Person("U0ANA", "Ana")) == "<@U0ANA>"
    assert mention(Person("!channel", "<!channel>")) == "&lt;!channel&gt;"
    assert with_mentions("<@U0ANA> <!subteam^S1AB> <!here> <#C1>", 100) == (
        "<@U0ANA> <!subteam^S1AB> &lt;!here&gt; &lt;#C1&gt;"
    )


def test_moments_are_in_the_readers_time() -> None:
    at = datetime(2026, 5, 4, 14, 2, tzinfo=UTC)
    assert moment(at) == "<!date^1777903320^{time}|14:02 UTC>"


def test_lists() -> None:
    assert [listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert named(["a", "b"], "or") == "a or b"
    assert named([str(n) for n in range(8)]) == "0, 1, 2, 3, 4 and 3 more"
    assert joined(["aaaa", "bbbb", "cccc"], 20) == "aaaa\nbbbb\ncccc"
    assert joined(["aaaa"] * 9, 20) == "aaaa\nand 8 more"


@given(st.lists(st.text(max_size=30)), st.integers(20, 100))
def test_joined_is_within_its_limit(parts: list[str], limit: int) -> None:
    assert width(joined(parts, limit)) <= limit


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59.6, "1 min"), (192, "3 min 12 s"), (3600, "1 h"), (93_784, "1 d 2 h"), (-5, "0 s")],
)
def test_how_long(seconds: float, said: str) -> None:
    assert lasted(timedelta(seconds=seconds)) == said


def test_gate_names_as_labels() -> None:
    assert (title("scan"), title("two-person")) == ("Scan", "Two person")
