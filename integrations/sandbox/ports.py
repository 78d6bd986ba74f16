"""Ports for those that listen later than they are named."""

import random
import socket
from contextlib import suppress

OURS = range(15_000, 30_000)
"""Below those that systems give to whoever asks for any port, and to every connection (Linux: from 32768 on): between
finding one of them and listening on it somebody else would get it."""
TRIES = 100


def free_port() -> int:
    """One that nobody has on the loopback interface. Raises OSError when none is found."""
    for port in random.sample(OURS, TRIES):
        with suppress(OSError):
            refuse_taken(port)
            return port
    raise OSError(f"{TRIES} ports from {OURS[0]} to {OURS[-1]} were tried, and all are taken")


def refuse_taken(port: int) -> None:
    """Raises OSError for a port that somebody else has, OverflowError for a number that is none."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
