"""Domain values as JSON columns."""

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def dump(value: object) -> str:
    """Half a character, as in the name of a file in git that is no text, is written as U+FFFD: JSON has no word for it,
    and nobody may keep a row from being written by it.
    """
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_whole(msgspec.to_builtins(value, str_keys=True))).decode()


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, dict):
        return {_whole(name): _whole(one) for name, one in value.items()}
    return [_whole(one) for one in value] if isinstance(value, list | tuple) else value


def load(text: str, kind: type[T]) -> T:
    """Raises msgspec.ValidationError for a row of another shape."""
    return msgspec.json.decode(text, type=kind)


def plain(value: object) -> Any:
    return msgspec.to_builtins(value, str_keys=True)
