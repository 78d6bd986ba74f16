"""The labels and annotations that tie a run to an app, to a person and to a request.

Label values are short and of few characters; the whole value is in an annotation of the same key.
"""

import hashlib
import re
from collections.abc import Mapping

APP = "pilothouse.dev/app"
REQUESTER = "pilothouse.dev/requester"
REQUEST_ID = "pilothouse.dev/request-id"
RETRY_OF = "pilothouse.dev/retry-of"
MANAGED_BY = "app.kubernetes.io/managed-by"
PRODUCT = "pilothouse"

LONGEST = 63
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")


def label_value(text: str) -> str:
    """`text` itself where it is a label's value already; else what is left of it, and a hash of all of it."""
    if len(text) <= LONGEST and _VALUE.fullmatch(text):
        return text
    return _hashed(re.sub(r"[^-A-Za-z0-9_.]+", "-", text).strip("-_."), text, 10)


def run_name(prefix: str, request_id: str) -> str:
    """The name of the one run that a request makes: asking twice for it is refused as "already exists"."""
    return _hashed(re.sub(r"[^a-z0-9]+", "-", prefix.lower()).strip("-") or "run", request_id, 12)


def selector(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={label_value(value)}" for key, value in labels.items() if value)


def _hashed(readable: str, text: str, digits: int) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()[:digits]
    return f"{readable[: LONGEST - digits - 1]}-{digest}".lstrip("-_.")
