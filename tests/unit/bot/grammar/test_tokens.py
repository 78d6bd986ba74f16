"""Text as phones, editors and Slack deliver it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.grammar import tokenize
from bot.grammar.tokens import as_composed


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("my-app prod", ["my-app", "prod"]),
        ("  my-app\u00a0 prod\n", ["my-app", "prod"]),
        ("`my-app` prod", ["my-app", "prod"]),
        ("```my-app prod```", ["my-app", "prod"]),
        ("my\u200b-app prod", ["my-app", "prod"]),
        ("<https://my-app.example|my-app.example> prod", ["my-app.example", "prod"]),
        ("<https://example.com/x>", ["https://example.com/x"]),
        ("<mailto:my-app@1.4.2|my-app@1.4.2> prod", ["my-app@1.4.2", "prod"]),
        ("<mailto:my-app@1.4.2>", ["my-app@1.4.2"]),
        ("<@U0ANA|ana>", ["@U0ANA"]),
        ("<#C0DEPLOY|deployments>", ["deployments"]),
        ("my-app —dry-run", ["my-app", "--dry-run"]),
        ("my-app –-dry-run", ["my-app", "--dry-run"]),
        ("my-app ––dry-run", ["my-app", "--dry-run"]),
        ("my-app -–dry-run", ["my-app", "--dry-run"]),
        ("my-app ―dry-run", ["my-app", "--dry-run"]),
        ("my\u2011app \u2212\u2212dry\u2010run", ["my-app", "--dry-run"]),
        ("my-app \uff0d\uff0dreason x", ["my-app", "--reason", "x"]),
        ("my-app — later", ["my-app", "—", "later"]),
        ("a—b", ["a—b"]),
        ("--reason “fix the login” prod", ["--reason", "fix the login", "prod"]),
        ("--reason ‘fix it’ prod", ["--reason", "fix it", "prod"]),
        ("--reason don’t panic", ["--reason", "don't", "panic"]),
        ("&lt;b&gt; &amp;amp;", ["<b>", "&amp;"]),
        ('--reason="fix it" x', ["--reason=fix it", "x"]),
        ('unclosed "quote', ["unclosed", '"quote']),
        ("", []),
    ],
)
def test_words_are_those_that_the_person_meant(typed: str, words: list[str]) -> None:
    """S6 for the escapes."""
    assert [token.whole for token in tokenize(typed)] == words


def test_quoted_words_are_never_flags_or_keywords() -> None:
    flag, keyword = tokenize('"--dry-run" "to"')
    assert not flag.is_flag
    assert not keyword.says("to")


@given(st.text())
def test_any_text_is_cut_into_words_without_a_crash_and_without_blanks_between(text: str) -> None:
    for token in tokenize(text):
        assert token.quoted or token.text == "".join(token.text.split())


@given(st.lists(st.from_regex(r"[a-z0-9@:./-]{1,12}", fullmatch=True).filter(lambda w: not w.startswith("--"))))
def test_plain_words_come_back_as_they_are(words: list[str]) -> None:
    assert [token.whole for token in tokenize("  ".join(words))] == words


@pytest.mark.parametrize(
    ("sent", "composed"),
    [
        ("/delegate <@U0MIA|mia> until fri", "/delegate @mia until fri"),
        ("/delegate <@U0MIA> until fri", "/delegate @U0MIA until fri"),
        ("/deploy my-app prod <#C0DEPLOY|deployments>", "/deploy my-app prod #deployments"),
        ("/freeze prod <!subteam^S0RELEASE|@release-managers>", "/freeze prod @release-managers"),
        ("/delegate <mailto:mia@example.com|mia@example.com>", "/delegate mia@example.com"),
        ("/lock prod see <https://example.com/x>", "/lock prod see https://example.com/x"),
        ("/lock prod a &lt;b&gt; &amp;lt;", "/lock prod a <b> &lt;"),
    ],
)
def test_what_was_sent_reads_as_it_was_composed(sent: str, composed: str) -> None:
    """S6."""
    assert as_composed(sent) == composed
