"""Objects with one growing version and a history that can be compacted: what etcd is to an API server."""

import asyncio
import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Object = dict[str, Any]
ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


class ObjectKey(NamedTuple):
    group: str
    resource: str
    namespace: str
    name: str


@dataclass(frozen=True)
class Change:
    """One write. `previous` is what it replaced, None for a creation."""

    version: int
    type: ChangeType
    key: ObjectKey
    object: Object
    previous: Object | None


# About the five minutes that real servers keep (K1), and a bound on memory.
HISTORY_LIMIT = 5000

Message = Change | Literal["expired", "ended"]


@dataclass(eq=False)
class WatchSubscription:
    """A queue of what happens from now on; the words end the subscription (K1)."""

    messages: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)


class ObjectStore:
    """Holds copies, never the caller's dictionaries: an object read may be changed and written back."""

    def __init__(self) -> None:
        self.version = 1000
        self._objects: dict[ObjectKey, Object] = {}
        self._history: list[Change] = []
        self._compacted = self.version
        self._subscriptions: set[WatchSubscription] = set()

    def get(self, key: ObjectKey) -> Object | None:
        return copy.deepcopy(self._objects.get(key))

    def objects(self, group: str, resource: str, namespace: str = "") -> list[Object]:
        """Every object of one type, of one namespace when it is given, by namespace and name."""
        return _select(self._objects, group, resource, namespace)

    def objects_as_of(self, version: int, group: str, resource: str, namespace: str = "") -> list[Object]:
        """The same, as it was at `version`. Raises LookupError when that history is compacted."""
        state = dict(self._objects)
        for change in reversed(self.changes_since(version)):
            if change.previous is None:
                state.pop(change.key, None)
            else:
                state[change.key] = change.previous
        return _select(state, group, resource, namespace)

    def put(self, key: ObjectKey, obj: Object) -> Object:
        """Create or replace; stamps `resourceVersion` and returns the stored form. A write without a change is none."""
        previous = self._objects.get(key)
        if previous is not None and _without_version(previous) == _without_version(obj):
            return copy.deepcopy(previous)
        stored = copy.deepcopy(obj)
        self._record("ADDED" if previous is None else "MODIFIED", key, stored, previous)
        self._objects[key] = stored
        return copy.deepcopy(stored)

    def delete(self, key: ObjectKey) -> Object:
        """Returns the last state. Raises KeyError when there is no such object."""
        previous = self._objects.pop(key)
        self._record("DELETED", key, copy.deepcopy(previous), previous)
        return copy.deepcopy(previous)

    def dependents(self, uid: str) -> list[ObjectKey]:
        """The objects that name `uid` as an owner: what the garbage collector removes."""
        return [
            key
            for key, obj in self._objects.items()
            if any(owner.get("uid") == uid for owner in obj["metadata"].get("ownerReferences", []))
        ]

    def keys_in(self, namespace: str) -> list[ObjectKey]:
        return [key for key in self._objects if key.namespace == namespace]

    def changes_since(self, version: int) -> list[Change]:
        """What was written after `version`, oldest first. Raises LookupError when that history is compacted."""
        if version < self._compacted:
            raise LookupError(f"too old resource version: {version} ({self._compacted})")
        return [change for change in self._history if change.version > version]

    def compact(self) -> None:
        """Forget the history up to now; real servers keep about five minutes of it (K1)."""
        self._history.clear()
        self._compacted = self.version

    def tell_subscribers(self, word: Literal["expired", "ended"]) -> None:
        for subscription in self._subscriptions:
            subscription.messages.put_nowait(word)

    @property
    def subscribers(self) -> int:
        return len(self._subscriptions)

    @contextmanager
    def subscribe(self) -> Iterator[WatchSubscription]:
        subscription = WatchSubscription()
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def _record(self, kind: ChangeType, key: ObjectKey, obj: Object, previous: Object | None) -> None:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        change = Change(self.version, kind, key, copy.deepcopy(obj), previous)
        self._history.append(change)
        if len(self._history) > HISTORY_LIMIT:
            self._compacted = self._history.pop(0).version
        for subscription in self._subscriptions:
            subscription.messages.put_nowait(change)


def _select(objects: dict[ObjectKey, Object], group: str, resource: str, namespace: str) -> list[Object]:
    keys = sorted(
        key for key in objects if key[:2] == (group, resource) and (not namespace or key.namespace == namespace)
    )
    return [copy.deepcopy(objects[key]) for key in keys]


def _without_version(obj: Object) -> Object:
    return {**obj, "metadata": {k: v for k, v in obj["metadata"].items() if k != "resourceVersion"}}
