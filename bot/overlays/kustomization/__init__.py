"""The images of a kustomization file: what kustomize makes of them, and the edit that pins one.

What kustomize would read in another way than it looks is refused, with the place and the remedy.
"""

from bot.overlays.kustomization.build import ImagesFound, images_found, unread
from bot.overlays.kustomization.document import KustomizationError
from bot.overlays.kustomization.edit import set_image
from bot.overlays.kustomization.entries import FILE_NAMES, read_images, references
from bot.overlays.kustomization.layer import UndecidedBuild
from bot.overlays.kustomization.resources import matches, name_of

__all__ = [
    "FILE_NAMES",
    "ImagesFound",
    "KustomizationError",
    "UndecidedBuild",
    "images_found",
    "matches",
    "name_of",
    "read_images",
    "references",
    "set_image",
    "unread",
]
