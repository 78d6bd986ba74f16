"""The glass breaks only for who was shown what that skips, and pressed."""

import pytest

from bot.domain.errors import UserError
from bot.domain.intent import Context, Deploy, Promote
from bot.domain.reply import GlassAsked
from bot.router.buttons import read_button
from bot.views import render
from bot.views.ids import encode
from bot.views.queueing import wish_value
from tests.fakes.office import Office
from tests.unit.bot.grammar.test_words import read

CONTEXT = Context("r9", "C0DEPLOY", "c9", "T0PILOT")
TYPED = [
    "/deploy my-app prod ! it burns",
    "/deploy my-app prod --break-glass it burns",
    "/deploy my-app@1.4.2 prod --break-glass --reason it burns",
    "/promote my-app payments to prod ! it burns",
    "/promote all to prod ! sure=true, yes I am sure",
]


@pytest.mark.parametrize("line", TYPED)
async def test_whoever_types_it_is_asked_and_nothing_starts(line: str) -> None:
    office = Office()
    answered = await office.run(line, "U0DEE")
    assert isinstance(answered, GlassAsked)
    assert not office.promotions.all
    shown = str(render(answered).blocks)
    assert "the approval" in shown
    assert "promotion.break-glass" in shown
    assert "Break the glass?" in shown


@pytest.mark.parametrize("line", [*TYPED, "/deploy my-app prod ! sure", "/deploy my-app prod --break-glass --sure x"])
def test_no_typed_word_says_that_somebody_is_sure(line: str) -> None:
    try:
        intent = read(line)
    except UserError:
        return
    assert isinstance(intent, Deploy | Promote)
    assert not intent.sure


def test_the_button_asks_for_the_wish_that_was_shown() -> None:
    wish = Deploy(context=CONTEXT, app="my-app", environment="production", reason="it burns", break_glass=True)
    pressed = {"action_id": "promotion.break-glass", "value": encode(wish_value(wish))}
    asked = read_button(pressed, CONTEXT)
    assert isinstance(asked, Deploy)
    assert asked.sure
    assert asked.reason == "it burns"
