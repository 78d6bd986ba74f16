"""Which registry an image is in."""

from integrations.registries.known import KnownContents, KnownPulls, KnownRegistry, KnownSignatures, known_hosts

__all__ = ["KnownContents", "KnownPulls", "KnownRegistry", "KnownSignatures", "known_hosts"]
