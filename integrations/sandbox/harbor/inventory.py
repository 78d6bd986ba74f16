"""Projects, repositories and artifacts, and the pushing that fills them."""

from collections.abc import Iterator
from datetime import datetime
from itertools import count

from .content import Manifest
from .errors import HarborError, not_found
from .model import Artifact, Label, Project, StoredRepository, Tag

_BUNDLE_KINDS = {"application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.dev.cosign.artifact.sig.v1+json"}


class Inventory:
    """Everything that is stored. Raises HarborError NOT_FOUND where something is asked for that is not there."""

    def __init__(self) -> None:
        self.projects: dict[str, Project] = {}
        self.labels: dict[int, Label] = {}
        self.system_allowlist: tuple[str, ...] = ()
        self._ids = count(1)

    def next_id(self) -> int:
        return next(self._ids)

    def add_project(self, name: str, created: datetime, metadata: dict[str, str]) -> Project:
        project = Project(len(self.projects) + 1, name, created, metadata)
        self.projects[name] = project
        return project

    def project(self, name_or_id: str, is_name: bool = False) -> Project | None:
        """A text that looks like a number is an id, unless the client says that it is a name (H2)."""
        if name_or_id.isdigit() and not is_name:
            return next((p for p in self.projects.values() if p.id == int(name_or_id)), None)
        return self.projects.get(name_or_id)

    def repositories(self) -> Iterator[tuple[Project, StoredRepository]]:
        for project in self.projects.values():
            for repository in project.repositories.values():
                yield project, repository

    def repository(self, name: str) -> tuple[Project, StoredRepository]:
        """`name` is whole: `apps/my-app`."""
        project = self.projects.get(name.partition("/")[0])
        repository = project.repositories.get(name) if project else None
        if project is None or repository is None:
            raise not_found(f"repository {name}")
        return project, repository

    def artifact(self, repository: str, reference: str) -> tuple[Project, StoredRepository, Artifact]:
        project, found = self.repository(repository)
        artifact = found.find(reference)
        if artifact is None:
            joiner = "@" if reference.startswith("sha256:") else ":"
            raise not_found(f"artifact {repository}{joiner}{reference}")
        return project, found, artifact

    def push(self, repository: str, manifest: Manifest, tags: tuple[str, ...], at: datetime) -> Artifact:
        """The same digest again is the same artifact; a tag that another one had moves here."""
        project = self.projects[repository.partition("/")[0]]
        if repository not in project.repositories:
            project.repositories[repository] = StoredRepository(self.next_id(), repository, at)
        target = project.repositories[repository]
        artifact = target.find(manifest.digest)
        if artifact is None:
            artifact = Artifact(self.next_id(), manifest, at)
            self._attach(artifact, tags)
            target.artifacts.append(artifact)
        for tag in tags:
            self.tag(target, artifact, tag, at)
        return artifact

    def tag(self, repository: StoredRepository, artifact: Artifact, name: str, at: datetime) -> None:
        for other in repository.artifacts:
            other.tags = [tag for tag in other.tags if tag.name != name]
        artifact.tags.append(Tag(self.next_id(), name, at))

    @staticmethod
    def _attach(artifact: Artifact, tags: tuple[str, ...]) -> None:
        """H15: cosign is known by its tag, or by the manifest's subject."""
        manifest = artifact.manifest
        for tag in tags:
            if tag.startswith("sha256-") and tag.endswith(".sig"):
                artifact.subject = tag.removesuffix(".sig").replace("sha256-", "sha256:")
                artifact.kind = "signature.cosign"
        if manifest.subject:
            artifact.subject = manifest.subject
            config = (manifest.document.get("config") or {}).get("mediaType", "")
            known = {manifest.document.get("artifactType", ""), config} & _BUNDLE_KINDS
            artifact.kind = "signature.cosign" if known else "subject.accessory"

    def blob(self, repository: str, digest: str) -> bytes:
        _, found = self.repository(repository)
        for artifact in found.artifacts:
            for blob in artifact.manifest.blobs:
                if blob.digest == digest:
                    return blob.data
        raise HarborError(404, "BLOB_UNKNOWN", "blob unknown to registry")
