"""Watches (K1): events as JSON lines, bookmarks, 410 in both its forms, and a clean end after a while."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from starlette.datastructures import QueryParams

from .errors import ApiError, bad_request, expired
from .listing import predicate
from .requests import RequestInfo
from .store import Change, ObjectStore, WatchSubscription

Object = dict[str, Any]


@dataclass
class WatchPolicy:
    """How this server's watches behave; real servers: bookmarks each minute, an end after 30 to 60 minutes.

    bookmark_seconds, timeout_seconds: real seconds, not the world's. gone_as: how 410 is told to a watch from a
    compacted version, as the HTTP status or as an ERROR event in a stream with status 200 (K1).
    """

    bookmark_seconds: float = 10.0
    timeout_seconds: float = 1800.0
    gone_as: Literal["event", "status"] = "event"


class Watch:
    """One watch of one client."""

    def __init__(
        self, store: ObjectStore, info: RequestInfo, params: QueryParams, convert: Callable[[Object], Object],
        policy: WatchPolicy,
    ) -> None:  # fmt: skip
        self._store = store
        self._info = info
        self._convert = convert
        self._policy = policy
        self._matches = predicate(params, info.resource.kind)
        self._bookmarks = params.get("allowWatchBookmarks") in ("true", "1", "True")
        self._since = _version(params)
        self._timeout = float(params.get("timeoutSeconds") or policy.timeout_seconds)

    def check(self) -> None:
        """Raises ApiError 410 when history is gone and this server tells it by status."""
        if self._policy.gone_as == "status" and (error := self._too_old()):
            raise error

    def _too_old(self) -> ApiError | None:
        try:
            self._store.changes_since(self._since or self._store.version)
        except LookupError as error:
            return expired(str(error))
        return None

    async def lines(self) -> AsyncIterator[bytes]:
        with self._store.subscribe() as subscription:
            if error := self._too_old():
                yield _line("ERROR", error.as_status())
                return
            for event in self._backlog():
                yield event
            async for event in self._live(subscription):
                yield event

    def _backlog(self) -> Iterator[bytes]:
        """From a version: what was missed. Without one, or from 0: the present state as ADDED (K2)."""
        if self._since:
            for change in self._store.changes_since(self._since):
                yield from self._events(change)
            return
        resource = self._info.resource
        for obj in self._store.objects(resource.group, resource.plural, self._info.namespace):
            if self._matches(obj):
                yield _line("ADDED", self._convert(obj))

    async def _live(self, subscription: WatchSubscription) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._timeout
        while (left := end - loop.time()) > 0:
            try:
                wait = min(left, self._policy.bookmark_seconds)
                message = await asyncio.wait_for(subscription.messages.get(), wait)
            except TimeoutError:
                if self._bookmarks:
                    yield self._bookmark()
                continue
            if message == "ended":
                return
            if message == "expired":
                yield _line("ERROR", expired("The resourceVersion for the provided watch is too old.").as_status())
                return
            if isinstance(message, Change):
                for event in self._events(message):
                    yield event

    def _events(self, change: Change) -> Iterator[bytes]:
        """An object that a label change moves into or out of the selection is ADDED or DELETED for this client."""
        key, resource = change.key, self._info.resource
        if key[:2] != (resource.group, resource.plural) or self._info.namespace not in ("", key.namespace):
            return
        was = change.previous is not None and self._matches(change.previous)
        is_now = change.type != "DELETED" and self._matches(change.object)
        if is_now or was:
            kind = ("MODIFIED" if was else "ADDED") if is_now else "DELETED"
            yield _line(kind, self._convert(change.object))

    def _bookmark(self) -> bytes:
        resource = self._info.resource
        metadata = {"resourceVersion": str(self._store.version), "creationTimestamp": None}
        obj = {"kind": resource.kind, "apiVersion": resource.api_version(self._info.version), "metadata": metadata}
        return _line("BOOKMARK", obj)


def _version(params: QueryParams) -> int:
    text = params.get("resourceVersion") or "0"
    if not text.isdigit():
        raise bad_request(f'invalid resourceVersion "{text}": Invalid value')
    return int(text)


def _line(kind: str, obj: Object) -> bytes:
    return json.dumps({"type": kind, "object": obj}, separators=(",", ":")).encode() + b"\n"
