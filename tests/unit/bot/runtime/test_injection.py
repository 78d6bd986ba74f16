"""Parts are handed what they name, and a part that names what nobody offers is told at the start."""

from collections.abc import Callable

import pytest

from bot.runtime.injection import Injector, NotOffered


class Kettle: ...


class Cup: ...


class Tea:
    def __init__(self, kettle: Kettle, cup: Cup | None, minutes: int = 4) -> None:
        self.made_of = (kettle, cup, minutes)


def brew(kettle: Kettle, cup: Cup) -> tuple[Kettle, Cup]:
    return kettle, cup


KETTLE, CUP, OWN_CUP = Kettle(), Cup(), Cup()


def test_a_class_and_a_function_get_what_their_parameters_name() -> None:
    injector = Injector({Kettle: KETTLE, Cup: CUP})
    assert injector.make(Tea).made_of == (KETTLE, CUP, 4)
    assert injector.make(brew) == (KETTLE, CUP)


def test_what_is_given_goes_before_what_is_offered() -> None:
    injector = Injector({Kettle: KETTLE, Cup: CUP, int: 3})
    assert injector.make(brew, {Cup: OWN_CUP}) == (KETTLE, OWN_CUP)
    assert injector.make(Tea, {Cup: OWN_CUP}).made_of == (KETTLE, OWN_CUP, 3)


def test_none_stands_for_what_is_not_configured() -> None:
    assert Injector({Kettle: KETTLE, Cup: None}).make(Tea).made_of == (KETTLE, None, 4)


@pytest.mark.parametrize("maker", [Tea, brew])
def test_what_nobody_offers_is_named(maker: Callable[..., object]) -> None:
    injector = Injector({Kettle: KETTLE})
    with pytest.raises(NotOffered, match=rf"{maker.__name__} needs cup: .*Cup.*, which nobody offers"):
        injector.make(maker)
    with pytest.raises(NotOffered, match="needs cup"):
        injector.check(maker)
    injector.check(maker, given=[Cup])


def test_a_class_without_a_constructor_needs_nothing() -> None:
    assert isinstance(Injector({}).make(Kettle), Kettle)
