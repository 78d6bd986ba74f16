"""SQLite without its thread: a test that waits for nothing else pays a third of its time for going there and back.

What depends on the thread itself runs with it: the tests of the stores and the driver, and every process of its own.
"""

import re
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from threading import Thread
from typing import Any

from aiosqlite.core import set_exception, set_result

from bot.store import sqlite_driver
from bot.store.sqlite_driver import Answer

PATIENCE = re.compile(r"PRAGMA busy_timeout=(\d+)")
"""milliseconds"""
PAUSE = 0.002
"""seconds until what another connection holds is tried once more"""
Task = tuple[Answer | None, Callable[[], Any]]


class TasksHere(deque[Task]):
    """What a connection does, one after another, in the thread of whoever asks for it.

    The answer comes with the event loop's next turn, so that others have theirs, as beside a thread. Nobody waits for a
    lock here, for its holder may be in the same thread: after each pause it is tried once more, for `patience` seconds.
    """

    patience = 0.0
    _waiting = False
    _since = 0.0

    def put_nowait(self, item: Task) -> None:
        self.append(item)
        if not self._waiting:
            self._go_on()

    def _go_on(self) -> None:
        self._waiting = False
        while self and not self._waiting:
            future, do = self[0]
            try:
                tell = partial(set_result, result=do())
            except BaseException as error:
                if future and self._locked(error):
                    future.get_loop().call_later(PAUSE, self._go_on)
                    self._waiting = True
                    return
                tell = partial(set_exception, e=error)
            self._since = 0.0
            self.popleft()
            if future:
                with suppress(RuntimeError):  # the loop is closed
                    future.get_loop().call_soon(tell, future)

    def _locked(self, error: BaseException) -> bool:
        """Whether it is worth another try."""
        if not isinstance(error, sqlite3.OperationalError) or "locked" not in str(error):
            return False
        self._since = self._since or time.monotonic()
        return time.monotonic() - self._since < self.patience


class ConnectionHere(sqlite_driver.SqliteConnection):
    here = True

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(partial(_impatient, connector) if self.here else connector)
        if self.here:
            self._tx = TasksHere()  # type: ignore[assignment]
            self._thread = Thread(target=lambda: None, daemon=True)

    async def whole(self, do: Callable[..., object], *arguments: object) -> sqlite_driver.Found:
        tasks: object = self._tx
        if isinstance(tasks, TasksHere) and (asked := PATIENCE.fullmatch(str(arguments[0]))):
            tasks.patience = int(asked[1]) / 1000
            arguments = ("PRAGMA busy_timeout=0", *arguments[1:])
        return await super().whole(do, *arguments)


def _impatient(connector: Callable[[], sqlite3.Connection]) -> sqlite3.Connection:
    connection = connector()
    connection.execute("PRAGMA busy_timeout=0")
    return connection


def leave_out_its_thread() -> None:
    """From now on, in this process."""
    sqlite_driver.SqliteConnection = ConnectionHere  # type: ignore[misc]


@contextmanager
def with_its_thread() -> Iterator[None]:
    ConnectionHere.here = False
    try:
        yield
    finally:
        ConnectionHere.here = True
