"""When a token ends: bearer tokens never renew themselves (A1), so somebody must know in time."""

from datetime import UTC, datetime

import jwt


def expiry(token: str) -> datetime | None:
    """The token's `exp`; None for one without end, or one that is not a JWT. The signature is the server's to check."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False, "verify_exp": False})
        return datetime.fromtimestamp(int(claims["exp"]), UTC) if claims.get("exp") else None
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, OSError):
        return None
