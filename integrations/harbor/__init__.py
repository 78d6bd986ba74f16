"""Harbor: images, and what its scanner found in them."""

from integrations.harbor.client import Harbor

__all__ = ["Harbor"]
