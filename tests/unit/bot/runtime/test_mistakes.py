"""What pydantic finds, in words for people; whatever it finds, none of its own words."""

from datetime import date
from typing import Any, Literal

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, HttpUrl, ValidationError

from bot.runtime.mistakes import Place, keys_at, mistakes

RAW = ("Input should", "Field required", "Extra inputs", "unable to", "Tuple", "valid", "str type")


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Inner(Part):
    count: int = Field(0, ge=0, le=20)
    share: float = Field(0.5, gt=0, lt=1)
    yes: bool = True
    day: date | None = None
    at: AwareDatetime | None = None
    url: HttpUrl | None = None
    options: dict[str, Any] | Literal[False] = False
    level: Literal["low", "high"] = "low"
    who: str | Part = ""


class Outer(Part):
    entries_: tuple[Inner, ...] = Field((Inner(),), alias="entries", min_length=1)
    named: dict[str, Inner | None] = {}
    name: str = Field()


def told(**data: Any) -> dict[Place, str]:
    with pytest.raises(ValidationError) as raised:
        Outer.model_validate({"name": "x", **data})
    found = mistakes(raised.value, Outer)
    assert len(dict(found)) == len(found), "two for one place"
    return dict(found)


@pytest.mark.parametrize(
    ("inner", "where", "says"),
    [
        ({"count": "two"}, "count", "expected a whole number"),
        ({"count": 1.5}, "count", "expected a whole number"),
        ({"count": -1}, "count", "expected 0 or more"),
        ({"count": 21}, "count", "expected 20 or less"),
        ({"share": 0}, "share", "expected more than 0"),
        ({"share": 1}, "share", "expected less than 1"),
        ({"share": "half"}, "share", "expected a number"),
        ({"yes": "maybe"}, "yes", "expected `true` or `false`"),
        ({"day": "soon"}, "day", "expected a date"),
        ({"at": "soon"}, "at", "expected a time"),
        ({"at": "2026-01-31T18:00:00"}, "at", "expected a time with its zone"),
        ({"url": "nowhere"}, "url", "expected a URL"),
        ({"url": "ftp://x"}, "url", "expected a URL"),
        ({"options": "on"}, "options", "expected keys with values, for example {key: value} or `false`"),
        ({"level": "hihg"}, "level", "expected `low` or `high`. Did you mean `high`?"),
        ({"level": 3}, "level", "expected `low` or `high`"),
        ({"who": 3}, "who", "expected text (numbers and dates need quotes) or keys with values"),
        ({"who": {"usr": 1}}, ("who", "usr"), "unknown key."),
        ({"cuont": 1}, "cuont", "unknown key. Did you mean `count`?"),
        ({"str": 1}, "str", "unknown key."),
    ],
)
def test_one_mistake_is_one_sentence_at_its_place(inner: dict[str, Any], where: Any, says: str) -> None:
    place = where if isinstance(where, tuple) else (where,)
    for data, above in (({"entries": [inner]}, ("entries", 0)), ({"named": {"a": inner}}, ("named", "a"))):
        found = told(**data)
        assert list(found) == [(*above, *place)]
        (sentence,) = found.values()
        assert sentence.startswith(says)
        assert not any(words in sentence for words in RAW)


@pytest.mark.parametrize(
    ("data", "place", "says"),
    [
        ({"entries": []}, ("entries",), "expected at least 1 entry"),
        ({"entries": "a"}, ("entries",), "expected a list, for example [a, b]"),
        ({"entries": ["a"]}, ("entries", 0), "expected keys with values, for example {key: value}"),
        ({"named": 3}, ("named",), "expected keys with values, for example {key: value}"),
        ({"name": None}, ("name",), "expected text (numbers and dates need quotes)"),
        ({"nmae": "x"}, ("nmae",), "unknown key. Did you mean `name` or `named`?"),
    ],
)
def test_mistakes_of_shape(data: dict[str, Any], place: Place, says: str) -> None:
    assert told(**data) == {place: says}


def test_what_is_left_out() -> None:
    with pytest.raises(ValidationError) as raised:
        Outer.model_validate({})
    assert mistakes(raised.value, Outer) == [(("name",), "is missing")]


def test_the_keys_that_may_be_there() -> None:
    assert keys_at(Outer, ()) == ("entries", "named", "name")
    assert keys_at(Outer, ("entries", 3)) == keys_at(Outer, ("named", "anything")) == tuple(Inner.model_fields)
    assert keys_at(Outer, ("named",)) == keys_at(Outer, ("nothing", "here")) == ()
