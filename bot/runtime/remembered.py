"""What is kept in memory for the next time."""

from typing import Any


def forget_oldest(known: dict[Any, Any], most: int) -> None:
    """All but the `most` newest: those that were put there last."""
    while len(known) > most:
        del known[next(iter(known))]
