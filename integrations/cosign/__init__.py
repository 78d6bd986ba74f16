"""cosign: is this image signed by somebody we trust?"""

from integrations.cosign.check import Cosign

__all__ = ["Cosign"]
