"""What is imported, and what is not."""

import sys
from importlib import import_module


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
