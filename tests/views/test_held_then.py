"""A commit by hand to a place that was locked or frozen says so, in news and in the history."""

import pytest

from bot.domain.delivery import Cause, Deployment, News, Outcome
from bot.domain.event import Event
from bot.domain.reply import ChangeHistory
from bot.domain.safety import HeldThen
from bot.views import render
from bot.views.news import bundle
from tests.views.reading import lines
from tests.views.samples import AT


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (HeldThen(False, "Ana", "", "a migration"), "⚠️ production was locked by Ana then: a migration"),
        (HeldThen(False, "Ana", "my-app"), "⚠️ my-app in production was locked by Ana then"),
        (HeldThen(True, "Mia", "", "the sale"), "⚠️ production was frozen by Mia then: the sale"),
        (HeldThen(True, "", "", "the night"), "⚠️ production was frozen by the policy then: the night"),
        (HeldThen(False, "<!channel>", "", "<@U0BO> *x*"), "⚠️ production was locked by <!channel> then: <@U0BO> *x*"),
    ],
)
def test_what_held_the_place_is_said_with_who_and_why(held: HeldThen, said: str) -> None:
    change = Deployment("my-app", "production", "c0ffee1234", Cause.GIT, AT, "Ben", paths=("a/b.yaml",), held=held)
    history = render(ChangeHistory("my-app", "", (), (change,), AT))
    assert lines(history)[3] == said
    news = News("k", Event.DEPLOYED, "my-app", "production", AT, cause=Cause.GIT, sha="c0ffee1234", held=held,
                outcome=Outcome.UNDER_WAY)  # fmt: skip
    told = bundle((news,))
    assert said in lines(told)
    assert "<!channel>" not in str((history.blocks, told.blocks))


def test_nothing_is_said_where_nothing_held_it_or_nobody_knows() -> None:
    change = Deployment("my-app", "production", "c0ffee1234", Cause.GIT, AT, "Ben", paths=("a/b.yaml",))
    assert "was locked" not in str(render(ChangeHistory("my-app", "", (), (change,), AT)).blocks)
