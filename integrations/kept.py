"""What another system has answered about content that never changes, kept for the next time."""

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """The `limit` newest, by what names the content: a digest or a sha. Gone at a restart."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, T] = OrderedDict()

    def get(self, key: str) -> T | None:
        return self._kept.get(key)

    def keep(self, key: str, value: T) -> T:
        """Returns the value."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)
        return value
