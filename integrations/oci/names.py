"""Repositories and tags in the registry API's URLs."""

from urllib.parse import quote


def repository_path(repository: str) -> str:
    """`/v2/apps/my-app` of "harbor.example.com/apps/my-app", with or without the host."""
    host, slash, rest = repository.partition("/")
    is_host = "." in host or ":" in host or host == "localhost"
    return "/v2/" + quote(rest if slash and is_host else repository)


def referrers_tag(digest: str) -> str:
    """Where a registry without the referrers API keeps its index (C4)."""
    return digest.replace(":", "-", 1)


def signature_tag(digest: str) -> str:
    """Where cosign puts its signatures (C1)."""
    return referrers_tag(digest) + ".sig"
