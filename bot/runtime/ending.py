"""The end of a process that means it."""

import contextlib
import logging
import os
import sys
from collections.abc import Callable


def end_after(work: Callable[[], object]) -> None:
    """Do this, then end the process with its exit status, whatever threads still wait.

    The durable engine's threads wait for as long as its journal is away, and the interpreter would wait for them: a
    bot that has stopped or failed would stay, and never be started again.
    """
    try:
        work()
        status: object = 0
    except SystemExit as asked:
        status = asked.code
        if isinstance(status, str):
            print(status, file=sys.stderr)
    except BaseException as error:  # noqa: BLE001 (told as the interpreter would, which does not get to it)
        sys.excepthook(type(error), error, error.__traceback__)
        status = 1
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # its reader is gone, or it is closed
            stream.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))
