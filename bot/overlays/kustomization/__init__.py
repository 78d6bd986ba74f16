"""The images of a kustomization file: what kustomize makes of them, and the edit that pins one.

What kustomize would read in another way than it looks is refused, with the place and the remedy.
"""

from bot.overlays.kustomization.document import KustomizationError
from bot.overlays.kustomization.edit import set_image
from bot.overlays.kustomization.entries import FILE_NAMES, read_images, references

__all__ = ["FILE_NAMES", "KustomizationError", "read_images", "references", "set_image"]
