"""Structured logs: one line an event, with the correlation id, and never with a secret."""

import base64
import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import structlog

HIDDEN = "[secret]"
SHORTEST_SECRET = 6
"""Shorter values would blank out ordinary words."""

Secrets = Callable[[], Iterable[str]]


class Redaction:
    """Blanks out every configured secret, wherever in an event it turns up (an error's text, a URL, a header)."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
        known = _worth_hiding(self._secrets())
        return {key: self._clean(value, known) for key, value in event.items()}

    def _clean(self, value: Any, known: list[str]) -> Any:
        if isinstance(value, str):
            return _replaced(value, known)
        if isinstance(value, dict):
            return {self._clean(str(key), known): self._clean(item, known) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean(item, known) for item in value]
        if isinstance(value, int | float | bool | None):
            return value
        return self._clean(str(value), known)


def hidden(text: str, secrets: Iterable[str]) -> str:
    """`text` with every one of the secrets blanked out."""
    return _replaced(text, _worth_hiding(secrets))


def _worth_hiding(secrets: Iterable[str]) -> list[str]:
    """Longest first: one may be a part of another. Of a key in PEM each line is a secret, but not its frame."""
    whole = {secret for secret in secrets if len(secret) >= SHORTEST_SECRET}
    lines = {
        line for secret in whole for line in secret.splitlines() if "\n" in secret and not line.startswith("-----")
    }
    parts = {*whole, *(line for line in lines if len(line) >= SHORTEST_SECRET)}
    return sorted({shape for part in parts for shape in _shapes(part)}, key=len, reverse=True)


@lru_cache(maxsize=256)
def _shapes(secret: str) -> tuple[str, ...]:
    """As it is, and as headers, URLs, Kubernetes Secrets and JSON write it."""
    raw = secret.encode(errors="surrogateescape")
    return (secret, quote(raw, safe=""), json.dumps(secret)[1:-1], *_in_base64(raw))


def _in_base64(raw: bytes) -> Iterator[str]:
    """Wherever it stands in what was encoded, "user:secret" too: the digits that are of nothing but the secret."""
    for before, foreign in enumerate((0, 2, 3)):
        digits = base64.b64encode(bytes(before) + raw).rstrip(b"=").decode()
        own = digits[foreign : len(digits) - bool((before + len(raw)) % 3)]
        if len(own) >= SHORTEST_SECRET:
            yield own
            yield own.translate({ord("+"): "-", ord("/"): "_"})


def _replaced(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def configure(level: str, form: str, secrets: Secrets) -> None:
    """Send structlog's and the standard library's events through one pipeline to standard error.

    `form` is "json" or "console".
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        Redaction(secrets),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Any = (
        structlog.processors.JSONRenderer(default=str)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, Redaction(secrets), renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("httpx", "httpcore", "slack_sdk", "slack_bolt", "dbos", "aiosqlite", "alembic", "asyncio"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
