"""Tekton Pipelines on Kubernetes: start, follow, explain and end runs."""

from integrations.tekton.tekton import Tekton

__all__ = ["Tekton"]
