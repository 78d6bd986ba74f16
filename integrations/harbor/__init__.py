"""Harbor: images, and what its scanner found in them."""

from integrations.harbor.client import Harbor
from integrations.harbor.pulls import HarborPulls
from integrations.harbor.relatives import HarborContents

__all__ = ["Harbor", "HarborContents", "HarborPulls"]
