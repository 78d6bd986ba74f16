"""The package `kubernetes` without its `__init__`s: they import the synchronous client too, and more that nobody uses.

It is 11 MiB of memory and 290 modules (decision 316). What is imported from it comes from here.
"""

import sys
from importlib.util import find_spec
from types import ModuleType


def _bare(name: str) -> None:
    """The package by its place alone: its modules are found there, and `__init__` is not run."""
    spec = find_spec(name)
    if name in sys.modules or spec is None or spec.submodule_search_locations is None:
        return
    package = ModuleType(name, "Without its __init__: see integrations/tekton/package.py.")
    package.__spec__ = spec
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[name] = package
    above, _, own = name.rpartition(".")
    if above:
        setattr(sys.modules[above], own, package)


_bare("kubernetes")
_bare("kubernetes.aio")

from kubernetes.aio import config  # noqa: E402
from kubernetes.aio.client import ApiClient, Configuration, rest  # noqa: E402

__all__ = ["ApiClient", "Configuration", "config", "rest"]
