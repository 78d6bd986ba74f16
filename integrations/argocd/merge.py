"""One story out of two tellers: a stream that may lose events, and lists that may lag behind it (A7, A10).

Pure: what was seen goes in, what is news comes out. Per key the news is in order, nothing is told twice, and what the
stream lost is told by the next list.
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sighting(Generic[T]):
    """`version` grows with each change of the thing; None where the server's versions are not numbers."""

    key: Hashable
    version: int | None
    value: T


@dataclass(frozen=True, slots=True)
class MergedChange(Generic[T]):
    """`deleted`: `value` is the last that was known of it."""

    value: T
    deleted: bool = False


@dataclass(slots=True)
class Known(Generic[T]):
    """`touched`: seen in the stream since the last list. `older`: what the last list showed instead, if that lagged."""

    version: int | None
    value: T
    deleted: bool = False
    touched: bool = False
    older: int | None = None


class StreamMerge(Generic[T]):
    def __init__(self) -> None:
        self._known: dict[Hashable, Known[T]] = {}

    def event(self, seen: Sighting[T], *, deleted: bool = False) -> tuple[MergedChange[T], ...]:
        """One event of the stream."""
        known = self._known.get(seen.key)
        if known is None:
            self._known[seen.key] = Known(seen.version, seen.value, deleted, touched=True)
            return () if deleted else (MergedChange(seen.value),)
        # the event of a deletion may carry the version of the last change
        if not newer(seen.version, known.version) and not (deleted and seen.version == known.version):
            return ()
        news = self._accept(known, seen, deleted=deleted)
        known.touched = True
        return news

    def listed(self, seen: Iterable[Sighting[T]]) -> Iterator[tuple[MergedChange[T], ...]]:
        """A whole list. What lags behind the stream is believed when the next list says the same again.

        The news, if any, of one thing after another, so that the caller can pause; to the end before the next event.
        """
        present: set[Hashable] = set()
        for sighting in seen:
            present.add(sighting.key)
            yield self._in_list(sighting)
        for key in [k for k in self._known if k not in present]:
            yield self._not_in_list(key)

    def _in_list(self, seen: Sighting[T]) -> tuple[MergedChange[T], ...]:
        known = self._known.get(seen.key)
        if known is None:
            self._known[seen.key] = Known(seen.version, seen.value)
            return (MergedChange(seen.value),)
        repeated = not known.touched and known.older is not None and known.older == seen.version
        known.touched = False
        if newer(seen.version, known.version) or repeated:
            return self._accept(known, seen, deleted=False)
        lags = known.deleted or seen.version != known.version
        known.older = seen.version if lags else None
        return ()

    def _not_in_list(self, key: Hashable) -> tuple[MergedChange[T], ...]:
        known = self._known[key]
        if known.deleted:
            if not known.touched:
                del self._known[key]
            known.touched = False
            return ()
        if known.touched:
            # the list may be older than the event that brought it
            known.touched = False
            return ()
        known.deleted = True
        return (MergedChange(known.value, deleted=True),)

    @staticmethod
    def _accept(known: Known[T], seen: Sighting[T], *, deleted: bool) -> tuple[MergedChange[T], ...]:
        before, was_deleted = known.value, known.deleted
        known.version, known.value, known.deleted, known.older = seen.version, seen.value, deleted, None
        if deleted:
            return () if was_deleted else (MergedChange(seen.value, deleted=True),)
        return (MergedChange(seen.value),) if was_deleted or seen.value != before else ()


def newer(version: int | None, than: int | None) -> bool:
    return version is None or than is None or version > than
