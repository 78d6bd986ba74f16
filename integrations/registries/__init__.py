"""Which registry an image is in."""

from integrations.registries.known import KnownPulls, KnownRegistry, KnownSignatures, known_hosts

__all__ = ["KnownPulls", "KnownRegistry", "KnownSignatures", "known_hosts"]
