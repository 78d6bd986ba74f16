"""A Kubernetes API server with Tekton, for the sandbox: real sockets, real answers, pretended work."""

from .server import KubernetesServer

__all__ = ["KubernetesServer"]
