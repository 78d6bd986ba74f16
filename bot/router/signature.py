"""Whether a request over HTTP is Slack's: by its raw bytes, before anything in them is read (S12)."""

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping

VERSION = "v0"
FRESH_SECONDS = 300
"""how old a signature may be, and how far Slack's clock may be ahead"""
TIMESTAMP = re.compile(r"[0-9]{1,12}")
SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")

Secret = Callable[[], str]


class SlackSignature:
    """`secret` is asked for at each request, so a rotated one holds at once; without one, everything is refused.

    `clock` counts seconds since the epoch.
    """

    def __init__(self, secret: Secret, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._clock = clock

    def possible(self, headers: Mapping[str, str]) -> bool:
        """Whether the headers alone do not rule it out: what cannot be signed has no body that is worth reading."""
        at = headers.get("x-slack-request-timestamp") or ""
        if not TIMESTAMP.fullmatch(at) or abs(self._clock() - int(at)) > FRESH_SECONDS:
            return False
        return bool(SIGNATURE.fullmatch(headers.get("x-slack-signature") or ""))

    def authentic(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Compared in constant time. Raises OSError and UnicodeDecodeError where the secret cannot be read."""
        secret = self._secret()
        if not secret or not self.possible(headers):
            return False
        signed = b":".join((VERSION.encode(), headers["x-slack-request-timestamp"].encode(), body))
        expected = f"{VERSION}={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
        return hmac.compare_digest(headers["x-slack-signature"].encode(), expected.encode())
