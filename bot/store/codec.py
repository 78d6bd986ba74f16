"""Domain values as JSON columns."""

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def dump(value: object) -> str:
    return msgspec.json.encode(value).decode()


def load(text: str, kind: type[T]) -> T:
    """Raises msgspec.ValidationError for a row of another shape."""
    return msgspec.json.decode(text, type=kind)


def plain(value: object) -> Any:
    return msgspec.to_builtins(value, str_keys=True)
