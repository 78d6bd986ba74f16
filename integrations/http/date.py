"""What a server's clock says."""

from datetime import UTC, datetime, timedelta

import httpx

from bot.domain.errors import Refused, Unavailable
from bot.settings import Tls
from integrations.http.connection import checked
from integrations.http.failures import from_transport, told_at
from integrations.http.policy import HttpPolicy
from integrations.http.tls import Certificates

OPERATION = "ask for the time"


async def clock_ahead(system: str, url: str, tls: Tls | None = None, policy: HttpPolicy | None = None) -> timedelta:
    """How far the server's clock is ahead of ours, to about a second, by the Date header of any answer.

    Nothing secret is sent, so an answer that refuses is as good as another. Raises Unavailable, Refused, and
    ValueError for what is no URL.
    """
    policy = policy or HttpPolicy()
    timeout = httpx.Timeout(policy.read, connect=policy.connect)
    try:
        context = Certificates(tls or Tls()).context
        async with (
            httpx.AsyncClient(verify=context, timeout=timeout) as client,
            client.stream("GET", checked(system, url)) as response,
        ):
            return ahead(system, response.headers.get("date", ""))
    except httpx.HTTPError as error:
        raise from_transport(system, OPERATION, error) from error
    except OSError as error:
        raise Unavailable(system, OPERATION, f"certificate files: {error.strerror}") from error


def ahead(system: str, date: str) -> timedelta:
    """Of now, for a Date header. Raises Refused when there is none that can be read."""
    try:
        told = told_at(date)
    except ValueError:
        raise Refused(system, OPERATION, "the answer does not say the time") from None
    # The header has whole seconds, cut off: half a second is lost on average.
    return told + timedelta(seconds=0.5) - datetime.now(UTC)
