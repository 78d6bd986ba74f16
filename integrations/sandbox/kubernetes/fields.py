"""Removing what a type does not have, by path."""

import re
from typing import Any

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def remove(obj: dict[str, Any], path: str) -> None:
    """Delete `path` (`spec.containers[0].colour`) from `obj`, in place. Keys with dots in them are tried last."""
    steps: list[str | int] = [m[1] if m[1] is not None else int(m[2]) for m in _STEP.finditer(path)]
    target: Any = obj
    for index, step in enumerate(steps[:-1]):
        try:
            target = target[step]
        except (KeyError, IndexError, TypeError):
            target.pop(".".join(str(s) for s in steps[index:]), None)
            return
    if isinstance(target, dict):
        target.pop(steps[-1], None)
