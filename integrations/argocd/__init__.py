"""Argo CD: what runs where, how it is, and how it gets there."""

from integrations.argocd.client import ArgoCD
from integrations.argocd.router import ArgoCDs

__all__ = ["ArgoCD", "ArgoCDs"]
