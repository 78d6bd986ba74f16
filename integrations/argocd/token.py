"""When a token ends: bearer tokens never renew themselves (A1), so somebody must know in time."""

import base64
import json
from datetime import UTC, datetime

_PARTS = 3
"""of a JWT: its header, its claims and its signature (RFC 7519)"""


def expiry(token: str) -> datetime | None:
    """The token's `exp`; None for one without end, or one that is not a JWT. The signature is the server's to check."""
    parts = token.split(".")
    if len(parts) != _PARTS:
        return None
    try:
        claims = json.loads(base64.b64decode(parts[1] + "=" * (-len(parts[1]) % 4), b"-_", validate=True))
        ends = claims.get("exp")
        return datetime.fromtimestamp(int(ends), UTC) if ends else None
    except (ValueError, TypeError, AttributeError, OverflowError, OSError, RecursionError):
        return None
