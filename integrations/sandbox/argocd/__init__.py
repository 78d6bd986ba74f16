"""Argo CD: applications that really follow the git repository, behind its REST API."""

from integrations.sandbox.argocd.access import Account
from integrations.sandbox.argocd.server import ArgoCDServer, ArgoServerSettings

__all__ = ["Account", "ArgoCDServer", "ArgoServerSettings"]
