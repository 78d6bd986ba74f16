"""What others wrote, in the body of a pull request."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.views.markdown import safe


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("fixes 3, adds 1 high", "fixes 3, adds 1 high"),
        ("@org/team look", "@\u2060org/team look"),
        ("fixes #12 and gh-7", "fixes #\u206012 and gh-\u20607"),
        ("my_app _is_ *late*", r"my_app \_is\_ \*late\*"),
        ("[here](x) ![i](y)", r"\[here\](x) !\[i\](y)"),
        ("<img src=x> & `code`", r"&lt;img src=x&gt; &amp; \`code\`"),
        ("see https://example.com/a_b", "see https://example.com/a_b"),
        ("two\nlines\u2060", "two lines"),
        ("", "—"),
    ],
)
def test_it_means_nothing_there(text: str, written: str) -> None:
    assert safe(text) == written


@given(st.text())
def test_it_is_one_line_that_calls_nobody(text: str) -> None:
    written = safe(text)
    assert written
    assert "\n" not in written
    assert "<" not in written
    assert not any(before in "@#" and after.isalnum() for before, after in pairwise(written))
