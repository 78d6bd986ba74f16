"""What people type, and what it must be taken for."""

from typing import Any

import pytest

from bot.domain.errors import UserError
from tests.cases import cases
from tests.unit.bot.grammar.test_words import read


@pytest.mark.parametrize("case", cases("grammar.yaml"))
def test_it_is_understood_whole_or_refused_with_a_remedy_that_does_no_harm(case: dict[str, Any]) -> None:
    understood = _read(case["typed"])
    holds = _refused_so if isinstance(understood, str) else _meant
    assert any(holds(understood, wanted) for wanted in case["any_of"]), understood


def _read(typed: str) -> Any:
    """The intent, or the sentence of the refusal."""
    try:
        return read(typed)
    except UserError as refused:
        return refused.sentence


def _refused_so(sentence: str, wanted: dict[str, Any]) -> bool:
    if not wanted.get("refused"):
        return False
    any_of, none_of = wanted.get("mentions_any") or [""], wanted.get("mentions_none") or []
    return any(word in sentence for word in any_of) and not any(word in sentence for word in none_of)


def _meant(intent: object, wanted: dict[str, Any]) -> bool:
    fields = wanted.get("fields") or {}
    return (
        type(intent).__name__ == wanted.get("intent")
        and all(_plain(getattr(intent, name)) == value for name, value in fields.items())
        and all(getattr(intent, name) in values for name, values in (wanted.get("fields_any") or {}).items())
        and not any(getattr(intent, name) for name in wanted.get("absent") or ())
    )


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
