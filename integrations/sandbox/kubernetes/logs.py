"""What containers write, and how the kubelet gives it out (T15)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.datastructures import QueryParams

from .errors import bad_request

Object = dict[str, Any]


@dataclass(eq=False)
class ContainerLog:
    """One container's lines. `started` is when it first may be read; `closed` ends those who follow."""

    lines: list[tuple[datetime, str]] = field(default_factory=list)
    started: bool = False
    closed: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def write(self, at: datetime, line: str) -> None:
        self.lines.append((at, line))
        self._wake()

    def start(self) -> None:
        self.started = True

    def close(self) -> None:
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def follow(self, start: int) -> AsyncIterator[tuple[datetime, str]]:
        while True:
            changed = self._changed
            while start < len(self.lines):
                yield self.lines[start]
                start += 1
            if self.closed:
                return
            await changed.wait()


class PodLogs:
    """Keyed by the pod's uid: a new pod of the same name has new logs."""

    def __init__(self) -> None:
        self._logs: dict[tuple[str, str], ContainerLog] = {}

    def of(self, uid: str, container: str) -> ContainerLog:
        return self._logs.setdefault((uid, container), ContainerLog())

    def drop(self, uid: str) -> None:
        """The pod is gone: its logs are gone with it, and who followed them reads the end."""
        for key in [key for key in self._logs if key[0] == uid]:
            self._logs.pop(key).close()


@dataclass(frozen=True)
class LogRequest:
    container: str
    follow: bool
    tail: int | None
    timestamps: bool
    limit_bytes: int | None

    @classmethod
    def parse(cls, params: QueryParams, pod: Object) -> "LogRequest":
        """Raises ApiError 400, as the kubelet words it, for a container that is not named or not there."""
        spec, name = pod["spec"], pod["metadata"]["name"]
        containers = [container["name"] for container in spec.get("containers", [])]
        hidden = [container["name"] for container in spec.get("initContainers", [])]
        chosen = params.get("container", "")
        if not chosen and len(containers) != 1:
            listed = f"choose one of: [{' '.join(containers)}]"
            if hidden:
                listed += f" or one of the init containers: [{' '.join(hidden)}]"
            raise bad_request(f"a container name must be specified for pod {name}, {listed}")
        chosen = chosen or containers[0]
        if chosen not in containers + hidden:
            raise bad_request(f"container {chosen} is not valid for pod {name}")
        return cls(
            chosen, params.get("follow") in ("true", "True", "1"), _number(params, "tailLines"),
            params.get("timestamps") in ("true", "True", "1"), _number(params, "limitBytes"),
        )  # fmt: skip


async def read(log: ContainerLog, asked: LogRequest) -> AsyncIterator[bytes]:
    start = max(0, len(log.lines) - asked.tail) if asked.tail is not None else 0
    left = asked.limit_bytes
    source = log.follow(start) if asked.follow else _present(log, start)
    async for at, line in source:
        text = f"{at.isoformat().replace('+00:00', 'Z')} {line}\n" if asked.timestamps else f"{line}\n"
        data = text.encode()
        if left is not None:
            data = data[:left]
            left -= len(data)
        yield data
        if left == 0:
            return


async def _present(log: ContainerLog, start: int) -> AsyncIterator[tuple[datetime, str]]:
    for entry in log.lines[start:]:
        yield entry


def _number(params: QueryParams, name: str) -> int | None:
    text = params.get(name)
    if not text:
        return None
    if not text.isdigit():
        raise bad_request(f'{name}: Invalid value: "{text}": must be a whole number')
    return int(text)
