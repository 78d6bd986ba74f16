"""What has happened before the sandbox starts: images in Harbor, and the commits that brought them where they run."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from integrations.sandbox.clock import rfc3339
from integrations.sandbox.git import GitServer
from integrations.sandbox.git.repository import Draft, Signature
from integrations.sandbox.harbor import HarborServer

SEED = Path(__file__).parent / "seed" / "apps"
HOST = "harbor.example.com"
ENVIRONMENTS = ("development", "staging", "production")


@dataclass(frozen=True)
class Line:
    """An app's versions, oldest first, and which one runs where (counted from the end)."""

    app: str
    repositories: tuple[str, ...]
    versions: tuple[str, ...]
    runs: tuple[int, int, int] = (1, 2, 3)

    def at(self, environment: str, ago: int) -> str:
        """The version that the environment ran `ago` promotions ago."""
        newest = len(self.versions) - self.runs[ENVIRONMENTS.index(environment)]
        return self.versions[max(0, newest - ago)]


LINES = (
    Line("my-app", ("my-app",), ("v1.3.9", "v1.4.0", "v1.4.1", "v1.4.2"), runs=(1, 1, 2)),
    Line("storefront", ("storefront", "storefront-worker"), ("v2.0.4", "v2.1.0", "v2.1.1", "v2.2.0")),
    Line("payments", ("payments",), ("7.10", "7.11", "7.12", "7.13"), runs=(1, 2, 2)),
    Line("ledger", ("ledger",), ("v0.9.0", "v0.9.1", "v0.9.2", "v0.9.3")),
)
PROMOTIONS = 2
"""how many promotions back the overlays' history goes"""
PEOPLE = (("Ana", "ana@example.com"), ("Bo", "bo@example.com"), ("Mia", "mia@example.com"))


UNIT = {
    "kustomization.yaml": b"""resources: [deployment.yaml]
images:
- name: harbor.example.com/apps/unit
  newTag: v1
""",
    "deployment.yaml": b"""apiVersion: apps/v1
kind: Deployment
metadata: {name: unit}
spec:
  replicas: 1
  selector: {matchLabels: {app: unit}}
  template:
    metadata: {labels: {app: unit}}
    spec:
      containers: [{name: unit, image: harbor.example.com/apps/unit}]
""",
}


def unit(number: int) -> str:
    """The name of one of the many apps that are there for their number."""
    return f"unit-{number:04}"


class History:
    """Writes it all, with times before `now`. `key` signs the images; `shipped`: files of the platform's own apps.

    `units`: how many more apps there are, each in development alone.
    """

    def __init__(
        self,
        git: GitServer,
        harbor: HarborServer,
        key: EllipticCurvePrivateKey,
        now: datetime,
        shipped: dict[str, bytes],
        units: int = 0,
    ) -> None:
        self._git = git
        self._harbor = harbor
        self._key = key
        self._now = now
        self._shipped = shipped
        self._lines = (*LINES, Line("unit", ("unit",), ("v1", "v2"))) if units else LINES
        self._units = {
            f"apps/{unit(number)}/overlays/development/{name}": content
            for number in range(1, units + 1)
            for name, content in UNIT.items()
        }
        self._digests: dict[tuple[str, str], str] = {}

    async def write(self) -> None:
        self._harbor.add_project("apps")
        for line in self._lines:
            self._push(line)
        await self._git.repository.initialise()
        for draft in self._commits():
            await self._git.repository.commit_on("main", draft)
        await self._git.open()

    def _push(self, line: Line) -> None:
        for index, version in enumerate(line.versions):
            at = self._ago(days=3 * (len(line.versions) - index))
            for repository in line.repositories:
                revision = commit_of(line.app, version)
                source = f"https://git.example.com/{line.app}.git"
                digest = self._harbor.push(
                    f"apps/{repository}", [version], revision, source,
                    created=rfc3339(at), version=version, pushed_at=at, scan="done",
                )  # fmt: skip
                self._harbor.sign(f"apps/{repository}", digest, self._key, pushed_at=at)
                self._digests[repository, version] = digest

    def _commits(self) -> Iterator[Draft]:
        files = {path: content for line in LINES for path, content in self._files(line, PROMOTIONS).items()}
        yield self._draft(files | self._units, "Overlays of all apps", 0, days=12)
        for ago in reversed(range(PROMOTIONS)):
            for number, line in enumerate(LINES):
                yield from self._promotions(line, ago, number)

    def _promotions(self, line: Line, ago: int, number: int) -> Iterator[Draft]:
        before, after = self._files(line, ago + 1), self._files(line, ago)
        for environment in ENVIRONMENTS:
            changed = {p: c for p, c in after.items() if f"/overlays/{environment}/" in p and before[p] != c}
            if changed:
                headline = f"{line.app}: promote {line.at(environment, ago)} in {environment}"
                yield self._draft(changed, headline, number + ago, days=3 * ago + 1, hours=number)

    def _files(self, line: Line, ago: int) -> dict[str, bytes]:
        """The app's files as they were so many promotions ago."""
        here = f"apps/{line.app}/"
        shipped = {path: content for path, content in self._shipped.items() if path.startswith(here)}
        files = shipped or {f"{here}{name}": content for name, content in _files_in(SEED / line.app).items()}
        return {path: self._as_of(line, path, content, ago) for path, content in files.items()}

    def _as_of(self, line: Line, path: str, content: bytes, ago: int) -> bytes:
        environment = next((e for e in ENVIRONMENTS if path.endswith(f"/overlays/{e}/kustomization.yaml")), "")
        if not environment:
            return content
        then = line.at(environment, ago)
        if path in self._shipped:
            return content.replace(f"newTag: {line.at(environment, 0)}".encode(), f"newTag: {then}".encode())
        return content.decode().format(tag=then, digest=self._digests[line.repositories[0], then]).encode()

    def _draft(self, files: dict[str, bytes], message: str, person: int, *, days: float, hours: float = 0) -> Draft:
        name, email = PEOPLE[person % len(PEOPLE)]
        author = Signature(name, email, self._ago(days=days) + timedelta(hours=hours))
        return Draft(files, f"{message}\n", author, author)

    def _ago(self, *, days: float) -> datetime:
        return self._now - timedelta(days=days)


def _files_in(directory: Path) -> dict[str, bytes]:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def commit_of(app: str, version: str) -> str:
    """The source commit that a version was built from: forty hexadecimal digits that always are the same."""
    return hashlib.sha1(f"{app} {version}".encode(), usedforsecurity=False).hexdigest()
