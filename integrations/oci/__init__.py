"""The OCI registry API (`/v2`): manifests, configs, and what refers to an image."""

from integrations.oci.client import Oci, PullRefused

__all__ = ["Oci", "PullRefused"]
