"""Processes are waited for by their descriptor, as Python does from 3.12 on; before, each has a thread for that.

The tests run ten thousand of git alone.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any


def wait_by_descriptor() -> None:
    """From now on, in this process, where the system can."""
    if sys.version_info < (3, 12) and hasattr(os, "pidfd_open"):
        asyncio.set_child_watcher(ByDescriptor())


if sys.version_info < (3, 12):

    class ByDescriptor(asyncio.PidfdChildWatcher):
        """Python's own of that time knows the main thread's event loop only."""

        def is_active(self) -> bool:
            return True

        def attach_loop(self, loop: asyncio.AbstractEventLoop | None) -> None:
            """Whichever runs is asked."""

        def add_child_handler(  # type: ignore[override]  # it says more of what it hands on
            self, pid: int, callback: Callable[..., object], *args: Any
        ) -> None:
            loop = asyncio.get_running_loop()
            descriptor = os.pidfd_open(pid)

            def ended() -> None:
                loop.remove_reader(descriptor)
                os.close(descriptor)
                try:
                    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                except ChildProcessError:  # whoever closed its pipes has asked, too
                    code = 255
                callback(pid, code, *args)

            loop.add_reader(descriptor, ended)

        def remove_child_handler(self, pid: int) -> bool:
            return False
