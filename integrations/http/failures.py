"""Foreign errors, mapped at the door: Unavailable where a retry may help, Refused where it will not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import msgspec

from bot.domain.errors import IntegrationError, NotFound, Refused, Unavailable
from integrations.http.answer import Answer

Refine = Callable[[Answer], IntegrationError | None]
"""What one system makes of an answer that is not 2xx; None leaves it to `from_status`."""

TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
DETAIL_LIMIT = 300
LONGEST_WAIT = timedelta(days=1)


def from_transport(system: str, operation: str, error: httpx.HTTPError | httpx.InvalidURL) -> IntegrationError:
    """An error of the connection. The request's own headers are never repeated."""
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return Unavailable(system, operation, "it did not accept a connection in time")
        case httpx.TimeoutException():
            return Unavailable(system, operation, "it did not answer in time")
        case httpx.ConnectError() if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return Refused(system, operation, f"its certificate is not trusted: set CA_BUNDLE ({error})")
        case httpx.DecodingError():
            return Refused(system, operation, "the answer's compression is broken")
        case httpx.LocalProtocolError() | httpx.UnsupportedProtocol() | httpx.InvalidURL():
            return Refused(system, operation, "the request cannot be sent: look at the URL and the credential")
        case httpx.ConnectError():
            return Unavailable(system, operation, f"no connection ({error})")
        case _:
            return Unavailable(system, operation, f"the connection broke ({type(error).__name__})")


def from_status(answer: Answer) -> IntegrationError:
    """An answer that is not 2xx."""
    system, operation, status = answer.system, answer.operation, answer.status
    wait = retry_after(answer.headers)
    detail = f"HTTP {status}{explain(answer)}"
    if status in TRANSIENT or (status == 403 and wait is not None):
        return Unavailable(system, operation, detail, wait)
    if status == 404:
        return NotFound(system, operation, detail)
    if status < 400:
        return Refused(system, operation, f"HTTP {status}: redirects are not followed; set the URL it really has")
    return Refused(system, operation, detail)


def explain(answer: Answer) -> str:
    """What an error body says: `: words`, one line, bounded; "" for a page meant for browsers."""
    text = ""
    try:
        document = msgspec.json.decode(answer.body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        if "html" not in answer.headers.get("content-type", "") and not answer.body.lstrip().startswith(b"<"):
            text = answer.body[: 4 * DETAIL_LIMIT].decode(errors="replace")
    else:
        text = "; ".join(messages(document))
    line = " ".join(text.split())
    return f": {line[:DETAIL_LIMIT]}" if line else ""


def messages(document: object) -> list[str]:
    """The sentences of an error document: `message`, `error`, or the same inside `errors`."""
    if not isinstance(document, dict):
        return []
    for key in ("message", "error"):
        if isinstance(document.get(key), str):
            return [document[key]]
    listed = document.get("errors")
    return [words for item in listed[:3] for words in messages(item)] if isinstance(listed, list) else []


def retry_after(headers: httpx.Headers) -> timedelta | None:
    """`Retry-After`, in seconds or as a date; None when it is absent or makes no sense."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return min(timedelta(seconds=int(value[:9])), LONGEST_WAIT)
    try:
        return min(max(told_at(value) - datetime.now(UTC), timedelta(0)), LONGEST_WAIT)
    except ValueError:
        return None


def told_at(date: str) -> datetime:
    """The moment that a header names; one without a zone ("-0000") is UTC. Raises ValueError."""
    try:
        told = parsedate_to_datetime(date)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"no date: {date[:40]!r}") from error
    return told if told.tzinfo else told.replace(tzinfo=UTC)
