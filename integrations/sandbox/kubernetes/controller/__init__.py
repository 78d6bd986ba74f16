"""The controller of Tekton Pipelines: runs what is posted, without a container anywhere."""

from .behaviours import BEHAVIOURS, Behaviour
from .controller import TektonController
from .hooks import Build, Checkout, Hooks, ManifestUpdate, Signing, Source, Written

__all__ = [
    "BEHAVIOURS",
    "Behaviour",
    "Build",
    "Checkout",
    "Hooks",
    "ManifestUpdate",
    "Signing",
    "Source",
    "TektonController",
    "Written",
]
