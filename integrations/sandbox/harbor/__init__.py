"""A Harbor for the sandbox: real content and real digests, scans that take time, and Harbor's own traps."""

from .model import Vulnerability
from .server import HarborServer
from .webhooks import Webhook

__all__ = ["HarborServer", "Vulnerability", "Webhook"]
