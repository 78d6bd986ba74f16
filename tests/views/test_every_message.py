"""S19: whatever a view is given, Slack takes what it makes. The views are found, so that none can be left out."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import get_type_hints

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import bot.views
from bot.ports import Rendered
from tests.views.test_limits import accept, wild, wilder

PIECES = {"bot.views.layout"}
"""what messages are made of, not messages"""
NEVER_EMPTY = {"rejections"}
"""fields of replies that hold one at least: whoever makes the reply has written that one down"""
View = Callable[..., Rendered]


def views() -> list[View]:
    names = [module.name for module in pkgutil.iter_modules(bot.views.__path__, "bot.views.")]
    modules = [importlib.import_module(name) for name in names if name not in PIECES]
    found = [function for module in modules for _, function in inspect.getmembers(module, inspect.isfunction)
             if function.__module__ == module.__name__ and not function.__name__.startswith("_")]  # fmt: skip
    # What hands on by type (`render`) is drawn by each of its own, which test_limits draws.
    own = [function for function in found if not hasattr(function, "dispatch")]
    return [function for function in own if get_type_hints(function).get("return") is Rendered]


@pytest.mark.parametrize("view", views(), ids=lambda view: f"{view.__module__}.{view.__name__}")
def test_a_message_is_within_the_limits(view: View) -> None:
    """S19."""
    hints = {name: hint for name, hint in get_type_hints(view).items() if name != "return"}

    @wilder
    @given(st.fixed_dictionaries({name: wild(hint) for name, hint in hints.items()}))
    def check(given_: dict[str, object]) -> None:
        assume(all(getattr(value, name, True) for value in given_.values() for name in NEVER_EMPTY))
        accept(view(**given_))

    check()


def test_the_views_are_found() -> None:
    assert len(views()) > 40
