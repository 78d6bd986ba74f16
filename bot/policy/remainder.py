"""A policy without the parts that are mistaken, so that the rest of it is checked in the same go."""

from collections.abc import Collection
from typing import Any

from bot.runtime.mistakes import Place


def hides_others(mistake: Place) -> bool:
    """Whether others could be mistaken for wrong without this part: the roles, the environments, a key of the file
    (which may be one of these, mistyped).
    """
    match mistake:
        case ("timezone",):
            return False
        case () | (_,) | ("roles", *_) | ("environments", _) | ("environments", _, "name" | "aliases", *_):
            return True
        case _:
            return False


def without(value: Any, wrong: Collection[Place], at: Place = ()) -> Any:
    """The value without what stands at these places."""
    if isinstance(value, dict):
        return {key: without(item, wrong, (*at, key)) for key, item in value.items() if (*at, key) not in wrong}
    if isinstance(value, tuple):
        return tuple(without(item, wrong, (*at, i)) for i, item in enumerate(value) if (*at, i) not in wrong)
    return value


def place_before(place: Place, value: Any, wrong: Collection[Place]) -> Place:
    """Where in the whole value that is which stands at `place` without the wrong: items of a list have moved up."""
    found: Place = ()
    for step in place:
        if isinstance(value, tuple) and isinstance(step, int):
            step = [i for i in range(len(value)) if (*found, i) not in wrong][step]
        found = (*found, step)
        value = _at(value, step)
    return found


def _at(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    return value[step] if isinstance(value, tuple) and isinstance(step, int) else None
