"""Reading an image's config blob."""

import json
from typing import Any

from .content import IMAGE_CONFIG, Manifest


def config_of(manifest: Manifest) -> dict[str, Any]:
    """The config of an image; {} for what has none."""
    for blob in manifest.blobs:
        if blob.media_type == IMAGE_CONFIG:
            found: dict[str, Any] = json.loads(blob.data)
            return found
    return {}


def labels_of(manifest: Manifest) -> dict[str, str]:
    return (config_of(manifest).get("config") or {}).get("Labels") or {}


def platform_of(manifest: Manifest) -> str:
    """ "linux/arm64" """
    config = config_of(manifest)
    return f"{config.get('os', '')}/{config.get('architecture', '')}"
