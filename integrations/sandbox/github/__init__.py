"""GitHub: REST and GraphQL, over the repository that the git server serves."""

from integrations.sandbox.github.access import App, Principal
from integrations.sandbox.github.gate import Throttle
from integrations.sandbox.github.hub import Rules
from integrations.sandbox.github.server import GitHubServer, GitHubServerSettings
from integrations.sandbox.github.webhooks import signature

__all__ = ["App", "GitHubServer", "GitHubServerSettings", "Principal", "Rules", "Throttle", "signature"]
