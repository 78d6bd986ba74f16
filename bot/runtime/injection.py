"""Hands a function or a class what its parameters are annotated with, and nothing else."""

import inspect
import types
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

Offered = Mapping[Any, Any]
"""type → the object that stands for it; None for a system that is not configured"""
NOTHING: Offered = {}


class NotOffered(TypeError):
    """A parameter asks for what nobody offers."""


class Injector:
    def __init__(self, offered: Offered) -> None:
        self._offered = offered

    def make(self, maker: Callable[..., T], given: Offered = NOTHING) -> T:
        """What `maker` returns, called with an argument for each parameter; `given` goes before what is offered.

        A parameter with a default is left to it where nobody offers its type. Raises NotOffered, and what `maker`
        raises.
        """
        return maker(**self._arguments(maker, given))

    def check(self, maker: Callable[..., object], given: Collection[Any] = ()) -> None:
        """Raises NotOffered where `make` would, when things of these types are given."""
        self._arguments(maker, dict.fromkeys(given))

    def _arguments(self, maker: Callable[..., object], given: Offered) -> dict[str, Any]:
        found = {}
        for name, kind in parameters(maker).items():
            there = [known[one] for one in (kind, *_choices(kind)) for known in (given, self._offered) if one in known]
            if there:
                found[name] = there[0]
            elif name not in defaults(maker):
                where = f"{maker.__module__}.{maker.__qualname__}"
                raise NotOffered(f"{where} needs {name}: {kind!r}, which nobody offers")
        return found


def _choices(kind: Any) -> tuple[Any, ...]:
    """The types that a union allows: any one of them is good."""
    union = get_origin(kind) in (Union, types.UnionType)
    return tuple(choice for choice in get_args(kind) if choice is not type(None)) if union else ()


@cache
def parameters(maker: Callable[..., object]) -> Mapping[str, Any]:
    """Parameter → its type; of a class, of its constructor. Raises NameError for an annotation that means nothing."""
    function = inspect.getattr_static(maker, "__init__") if isinstance(maker, type) else maker
    if not (inspect.isfunction(function) or inspect.ismethod(function)):
        return {}
    return {name: kind for name, kind in get_type_hints(function).items() if name != "return"}


@cache
def defaults(maker: Callable[..., object]) -> frozenset[str]:
    """The parameters that may be left out."""
    given = inspect.signature(maker).parameters.values()
    return frozenset(one.name for one in given if one.default is not inspect.Parameter.empty)
