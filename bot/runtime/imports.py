"""What is imported, and what is not; and what installed packages offer."""

import importlib.metadata
import sys
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint
from typing import Any


def without(absent: str, *modules: str) -> None:
    """Import `modules` as if the package `absent` were not installed, where it is not there already.

    Others that ask for it later get it: help on the command line is drawn with rich.
    """
    if absent in sys.modules:
        return
    sys.modules[absent] = None  # type: ignore[assignment]
    try:
        for module in modules:
            import_module(module)
    finally:
        del sys.modules[absent]


def entry_points(group: str) -> tuple[EntryPoint, ...]:
    """What installed packages offer for one purpose."""
    return tuple(_installed().select(group=group))


@cache
def _installed() -> Any:
    """Read once: the files of 150 packages, 15 ms, and a start asks for three groups of them."""
    return importlib.metadata.entry_points()
