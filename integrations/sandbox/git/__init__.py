"""A git host: one real bare repository over smart HTTP, and the hands of the world's other committers."""

from integrations.sandbox.git.plumbing import GitFailed
from integrations.sandbox.git.repository import BareRepository, HeadMoved, Signature
from integrations.sandbox.git.server import GitServer, Push

__all__ = ["BareRepository", "GitFailed", "GitServer", "HeadMoved", "Push", "Signature"]
