"""The one connection policy: how every HTTP client connects, waits, retries, and names what went wrong."""

from integrations.http import absent  # noqa: F401 (before httpx is imported)
from integrations.http.answer import Answer
from integrations.http.auth import Anonymous, Auth, Basic, Bearer
from integrations.http.connection import Connection
from integrations.http.failures import Refine
from integrations.http.policy import HttpPolicy

__all__ = ["Anonymous", "Answer", "Auth", "Basic", "Bearer", "Connection", "HttpPolicy", "Refine"]
