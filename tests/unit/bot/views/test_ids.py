"""What a button carries comes back the same, and nothing else is believed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import InvalidCommand
from bot.views.ids import Action, ImageValue, PromotionValue, RunValue, action_of, decode, encode, verb_of

VALUES = {
    PromotionValue: st.builds(PromotionValue, st.text(), st.text()),
    ImageValue: st.builds(ImageValue, st.text(), st.text(), st.text()),
    RunValue: st.builds(RunValue, st.text()),
}


@given(VALUES[PromotionValue])
def test_promotions_come_back(value: PromotionValue) -> None:
    assert decode(Action.APPROVE, encode(value)) == value


@given(VALUES[ImageValue], st.integers(0, 30))
def test_images_come_back_from_every_button_of_a_list(value: ImageValue, index: int) -> None:
    action_id = Action.PICK_ROLLBACK.numbered(index)
    assert Action.PICK_ROLLBACK.pattern.match(action_id)
    assert decode(action_id, encode(value)) == value


@given(VALUES[RunValue])
def test_runs_come_back(value: RunValue) -> None:
    assert decode(Action.RUN_LOGS, encode(value)) == value


def test_they_are_compact() -> None:
    assert encode(PromotionValue("p-1", "ab")) == '{"p":"p-1","h":"ab"}'
    assert encode(ImageValue("my-app", "production", "v1")) == '{"app":"my-app","env":"production","to":"v1"}'
    assert encode(RunValue("r-1")) == '{"run":"r-1"}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        '{"p":"p-1"}',
        '{"p":"p-1","h":1}',
        '{"p":"p-1","h":"x","admin":"yes"}',
        '{"run":"r-1"}',
        "[" * 100_000,
    ],
)
def test_a_tampered_value_is_refused(text: str) -> None:
    """S17."""
    with pytest.raises(InvalidCommand, match="type the command again"):
        decode(Action.APPROVE, text)


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidCommand):
        decode(Action.APPROVE, json.dumps(text))


def test_an_unknown_button_is_refused() -> None:
    with pytest.raises(InvalidCommand):
        action_of("promotion.destroy")


def test_a_value_that_no_button_can_carry() -> None:
    """S19."""
    with pytest.raises(ValueError, match="at most 2000"):
        encode(RunValue("x" * 2000))


def test_verbs_of_pickers() -> None:
    assert (verb_of("pick.deploy"), verb_of("reject"), verb_of("pick"), verb_of("")) == ("deploy", "", "", "")
