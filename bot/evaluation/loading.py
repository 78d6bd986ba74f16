"""The gates there are: our own, and those that installed packages offer as `pilothouse.gates`.

A gate is a class. What its constructor's parameters are annotated with is what it is handed, and nothing else.
"""

import inspect
import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module

from bot.domain.errors import PolicyError
from bot.evaluation.evaluator import mistakes_in
from bot.evaluation.question import Gate, Options
from bot.policy import Place, Policy
from bot.runtime.imports import entry_points
from bot.runtime.injection import Injector, NotOffered, Offered

ENTRY_POINTS = "pilothouse.gates"
OWN = "bot.gates"
"""the package that is looked through for gates: one question a file"""


def load_gates(offered: Offered) -> tuple[Gate, ...]:
    """Our own and the packages' gates, each with what it asks for.

    Raises PolicyError when a package offers something that is no gate, or that asks for what nobody offers.
    """
    injector = Injector(offered)
    return tuple(make(gate, injector) for gate in known_gates())


def known_gates() -> tuple[type[Gate], ...]:
    """Our own and the packages'. Raises PolicyError when a package offers something that is no gate."""
    return (*_own(), *_in_packages())


def gate_mistakes(policy: Policy) -> Iterator[tuple[Place, str]]:
    """What is wrong in a policy's `gates`. Raises PolicyError like `known_gates`."""
    return mistakes_in(policy, {gate.name: gate for gate in known_gates()})


def make(gate: type[Gate], offered: Injector) -> Gate:
    """Raises PolicyError when the gate asks for what nobody offers."""
    try:
        return offered.make(gate)
    except NotOffered as error:
        raise PolicyError(f"the gate {error}: fix or remove its package") from error


def described(gate: type[Gate] | Gate) -> str:
    """What the gate asks, in its own words, for help."""
    kind = gate if isinstance(gate, type) else type(gate)
    return inspect.getdoc(kind) or inspect.getdoc(inspect.getmodule(kind)) or ""


@cache
def _own() -> tuple[type[Gate], ...]:
    package = import_module(OWN)
    modules = [import_module(module.name) for module in pkgutil.iter_modules(package.__path__, f"{OWN}.")]
    return tuple(
        one
        for module in modules
        for one in vars(module).values()
        if _is_gate(one) and one.__module__ == module.__name__
    )


def _in_packages() -> Iterator[type[Gate]]:
    for entry in entry_points(group=ENTRY_POINTS):
        found = entry.load()
        if not _is_gate(found):
            raise PolicyError(
                f"{entry.value} is offered as a gate, but is not a class with `name`, `options` and `ask`: "
                "fix or remove its package"
            )
        yield found


def _is_gate(found: object) -> bool:
    options = getattr(found, "options", None)
    return (
        inspect.isclass(found)
        and isinstance(getattr(found, "name", None), str)
        and isinstance(options, type)
        and issubclass(options, Options)
        and inspect.iscoroutinefunction(getattr(found, "ask", None))
    )
