"""Harbor's names in URLs."""

from dataclasses import dataclass
from urllib.parse import quote

from bot.domain.errors import Refused

SYSTEM = "Harbor"


@dataclass(frozen=True)
class RepositoryName:
    """`name` is without the project, and may have slashes."""

    project: str
    name: str

    @property
    def project_path(self) -> str:
        return f"/api/v2.0/projects/{quote(self.project, safe='')}"

    @property
    def path(self) -> str:
        """H1: a name with a slash is encoded twice, because the server decodes once more after routing."""
        return f"{self.project_path}/repositories/{encoded(self.name)}"

    def artifact(self, reference: str, *tail: str) -> str:
        return "/".join([self.path, "artifacts", quote(reference, safe=""), *tail])

    @property
    def full(self) -> str:
        """As the registry API writes it."""
        return f"{self.project}/{self.name}"


def encoded(name: str) -> str:
    once = quote(name, safe="")
    return quote(once, safe="") if "/" in name else once


def repository_name(repository: str) -> RepositoryName:
    """Of "harbor.example.com/apps/my-app", with or without the host. Raises Refused for what cannot be in Harbor."""
    host, slash, rest = repository.partition("/")
    path = rest if slash and is_host(host) else repository
    project, _, name = path.partition("/")
    if not project or not name:
        raise Refused(SYSTEM, f"find {repository}", "not an image of Harbor: expected HOST/PROJECT/NAME")
    return RepositoryName(project, name)


def is_host(part: str) -> bool:
    """By the rule of image references: a first part with a dot, a colon, or the word localhost is a host."""
    return "." in part or ":" in part or part == "localhost"
