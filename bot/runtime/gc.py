"""The garbage collector, kept away from what lives as long as the process."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Around large imports: none of what they make is garbage, and looking for some is a fifth of their time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def kept() -> Iterator[None]:
    """Around the reading of much that lives on: nobody looks through it for garbage, then or later.

    What is replaced afterwards is freed all the same, as it holds no circles (`python -m benchmarks.observer`). What is
    garbage already is collected first, for it would stay for ever; where the reading breaks, nothing is kept.
    """
    gc.collect()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


def set_aside() -> None:
    """When everything is built: what is there now is looked through no more.

    A full collection holds the event loop, and with it every answer to Slack, for over 100 ms otherwise
    (`python -m benchmarks.ack`).
    """
    gc.collect()
    gc.freeze()
