"""GitHub: the overlay repository by API, pull requests, and the history of sources."""

from integrations.github.github import GitHub

__all__ = ["GitHub"]
