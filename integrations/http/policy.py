"""How long to wait, how often to try, how much to read."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class HttpPolicy:
    """Times are in seconds, sizes in bytes. `total` bounds one call with all of its retries, streams apart.

    Somebody waits for most answers, and twenty seconds are as long as people do. A connection that is dead is found out
    in time for a second try on another one.
    """

    connect: float = 5
    read: float = 15
    """longest silence of the server; also of a stream, unless the stream says otherwise"""
    total: float = 20
    attempts: int = 3
    """of an idempotent read; anything else is tried once"""
    backoff: float = 0.2
    """upper bound of the first random wait; it doubles from try to try, up to `backoff_limit`"""
    backoff_limit: float = 5
    connections: int = 20
    body_limit: int = 32 * MIB
    line_limit: int = 4 * MIB
    """of one line of a stream; a Kubernetes object cannot be larger than about 1.5 MiB"""
