"""Harbor: images, and what its scanner found in them."""

from integrations.harbor.client import Harbor
from integrations.harbor.pulls import HarborPulls

__all__ = ["Harbor", "HarborPulls"]
