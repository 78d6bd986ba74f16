"""The garbage collector, kept away from what lives as long as the process."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """While much is made of which nothing is garbage: looking for some is a fifth of the time that imports take."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def lasting() -> Iterator[None]:
    """Around large imports: nobody looks for garbage in what they make, then or later.

    Unlike `kept` it does not collect: among 314,000 objects half a MiB is garbage, and a search takes 0.1 s, which
    everybody who waits for a start waits for (decision 406).
    """
    with uncollected():
        yield
        gc.freeze()


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
