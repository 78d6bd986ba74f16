"""Custom gates: a team's own endpoint, asked like any gate."""

from integrations.customgate.client import CustomGateClient

__all__ = ["CustomGateClient"]
