"""A Harbor on a real socket: REST API, registry, scanner, webhooks."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.types import ASGIApp

from integrations.sandbox.clock import Clock, rfc3339
from integrations.sandbox.faults import FaultSettings, WeatherMiddleware

from . import artifacts_api, content, projects_api, registry_api, scan_results, scans_api, signatures, webhooks
from .accounts import Accounts, Robot
from .context import Context
from .errors import HarborError
from .inventory import Inventory
from .middleware import CsrfMiddleware, ReadOnlyMiddleware, RequestIdMiddleware, harbor_error, routing_error
from .model import Artifact, Label, Project, Vulnerability
from .oci_config import labels_of
from .scanner import Scanner
from .webhooks import Webhook, WebhookQueue

Style = Literal["tag", "bundle"]
ScanMode = Literal["auto", "done", "never"]

EPOCH = "1970-01-01T00:00:00Z"


class HarborServer:
    """`.app` is what to serve; the methods are the world's own way in, without HTTP.

    robots: full name (`robot$ci`, or `robot$apps+ci` for one project) → secret. registry_host: the host in image
    references. `close` stops what runs in the background.
    """

    def __init__(
        self, clock: Clock, robots: Mapping[str, str], faults: FaultSettings | None = None,
        webhooks: Iterable[Webhook | tuple[str, str, webhooks.Format]] = (), admin_password: str | None = None,
        registry_host: str = "harbor.example.com", version: str = "v2.15.2",
    ) -> None:  # fmt: skip
        self._clock = clock
        self._host = registry_host
        self._faults = faults
        self.inventory = Inventory()
        self.accounts = Accounts(admin_password)
        self.scanner = Scanner(clock, faults, self._scan_finished)
        targets = tuple(hook if isinstance(hook, Webhook) else Webhook(*hook) for hook in webhooks)
        self._notifier = WebhookQueue(targets, clock)
        for name, secret in robots.items():
            self.add_robot(name, secret)
        self.add_project("library", public=True)
        context = Context(self.inventory, self.accounts, self.scanner, clock, registry_host, version, faults)
        self.app = _application(context, faults)

    def add_webhook(self, webhook: Webhook) -> None:
        """It hears of what happens from now on."""
        self._notifier.add(webhook)

    async def close(self) -> None:
        await self.scanner.close()
        await self._notifier.close()

    def add_robot(
        self, name: str, secret: str, projects: Iterable[str] = (), permissions: Iterable[str] | None = None
    ) -> Robot:
        """`projects` empty = every project; `permissions` ("artifact:read") None = all of them."""
        robot = self.accounts.add(name, secret, self._clock.now(), frozenset(projects))
        robot.permissions = None if permissions is None else frozenset(permissions)
        return robot

    def add_project(self, name: str, public: bool = False, **metadata: str) -> Project:
        """metadata: H16's strings, such as `prevent_vul="true"`. Without auto_scan="false" a push is scanned."""
        values = {"public": str(public).lower(), "auto_scan": "true", "severity": "low", "prevent_vul": "false"}
        values |= {"enable_content_trust": "false", "enable_content_trust_cosign": "false"}
        values |= {"reuse_sys_cve_allowlist": "false", "auto_sbom_generation": "false"}
        return self.inventory.add_project(name, self._clock.now(), values | metadata)

    def add_label(self, name: str, color: str = "#0072A3") -> Label:
        label = Label(self.inventory.next_id(), name, color, self._clock.now())
        self.inventory.labels[label.id] = label
        return label

    def push(
        self, repository: str, tags: Sequence[str], revision: str, source: str, *, created: str = EPOCH,
        version: str = "", pushed_at: datetime | None = None, scan: ScanMode = "auto",
    ) -> str:  # fmt: skip
        """Pushes the image that these arguments make, and returns its digest, which follows from them alone.

        repository: `apps/my-app`, with or without the registry's host. created: RFC 3339, in the image's config.
        scan: "auto" as the project's auto_scan says, "done" for a report that is there at once, "never".
        """
        if self._faults and self._faults.now.multi_platform:
            return self.push_index(repository, tags, revision, source, scan=scan)
        name = self._name(repository)
        manifest = content.image(name, revision, source, created, version)
        artifact = self._store(name, manifest, tuple(tags), pushed_at)
        project = self.inventory.projects[name.partition("/")[0]]
        if scan == "done":
            self.scanner.finish_now(artifact)
        elif scan == "auto" and project.metadata.get("auto_scan") == "true" and artifact.report is None:
            self.scanner.start(name, artifact)
        return manifest.digest

    def push_index(
        self, repository: str, tags: Sequence[str], revision: str, source: str, *,
        platforms: Sequence[str] = ("linux/amd64", "linux/arm64"), scan: ScanMode = "auto",
    ) -> str:  # fmt: skip
        """An index of an image for each platform, with an attestation of each (H25); its own digest."""
        name = self._name(repository)
        built = {p: content.image(name, revision, source, EPOCH, architecture=p.partition("/")[2]) for p in platforms}
        attestations = [content.attestation(manifest) for manifest in built.values()]
        parts = [self._store(name, manifest, (), None) for manifest in (*built.values(), *attestations)]
        made = self._store(name, content.index(built, attestations), tuple(tags), None)
        for part in parts[: len(built)]:
            if scan == "done":
                self.scanner.finish_now(part)
            elif scan == "auto" and self.inventory.projects[name.partition("/")[0]].metadata["auto_scan"] == "true":
                self.scanner.start(name, part)
        return made.digest

    def platforms(self, repository: str, digest: str) -> dict[str, str]:
        """Of an index: "linux/arm64" → the digest of its image."""
        entries = self._artifact(repository, digest).manifest.document["manifests"]
        named = {f"{e['platform']['os']}/{e['platform']['architecture']}": e["digest"] for e in entries}
        return {name: found for name, found in named.items() if not name.startswith("unknown")}

    def sign(
        self, repository: str, digest: str, private_key: ec.EllipticCurvePrivateKey, style: Style = "bundle",
        pushed_at: datetime | None = None,
    ) -> str:  # fmt: skip
        """Attaches a signature as cosign does, as style "tag" (C1) or "bundle" (C4); returns its own digest."""
        name = self._name(repository)
        _, home, subject = self.inventory.artifact(name, digest)
        if style == "bundle":
            created = rfc3339(pushed_at or self._clock.now())
            return self._store(name, signatures.bundle(subject.manifest, private_key, created), (), pushed_at).digest
        tag = signatures.legacy_tag(digest)
        before = home.find(tag)
        signed = signatures.legacy(
            f"{self._host}/{name}", digest, private_key, before.manifest if before is not None else None
        )
        artifact = self._store(name, signed, (tag,), pushed_at)
        home.artifacts = [a for a in home.artifacts if a is not before or a is artifact]
        return artifact.digest

    def set_report(self, repository: str, digest: str, vulnerabilities: Sequence[Vulnerability]) -> None:
        """A finished report of exactly these."""
        self.scanner.finish_now(self._artifact(repository, digest), vulnerabilities)

    def never_scanned(self, repository: str, digest: str) -> None:
        """As if no scan had ever been started."""
        self.scanner.forget(self._artifact(repository, digest))

    def fail_scan(self, repository: str, digest: str) -> None:
        """The last scan ended in Error."""
        self.scanner.fail_now(self._artifact(repository, digest))

    def snapshot(self) -> list[dict[str, Any]]:
        """Every image, newest first: what the sandbox's page shows."""
        shown = []
        for _, repository in self.inventory.repositories():
            for artifact in repository.images():
                report = scan_results.merged(repository, artifact)
                shown.append(
                    {
                        "repository": repository.name,
                        "digest": artifact.digest,
                        "tags": [tag.name for tag in artifact.tags],
                        "pushed_at": rfc3339(artifact.pushed),
                        "scan": report.status if report else "NotScanned",
                        "severities": report.counts if report else {},
                        "signed": any(a.kind == "signature.cosign" for a in repository.accessories(artifact.digest)),
                        "revision": labels_of(artifact.manifest).get("org.opencontainers.image.revision", ""),
                    }
                )
        return sorted(shown, key=lambda item: str(item["pushed_at"]), reverse=True)

    def _name(self, repository: str) -> str:
        return repository.removeprefix(f"{self._host}/")

    def _artifact(self, repository: str, digest: str) -> Artifact:
        return self.inventory.artifact(self._name(repository), digest)[2]

    def _store(self, name: str, manifest: content.Manifest, tags: tuple[str, ...], at: datetime | None) -> Artifact:
        project_name = name.partition("/")[0]
        if project_name not in self.inventory.projects:
            raise ValueError(f"there is no project {project_name!r}: add it with add_project first")
        moment = at or self._clock.now()
        artifact = self.inventory.push(name, manifest, tags, moment)
        project, repository = self.inventory.repository(name)
        for tag in tags or ("",):
            self._notifier.notify(webhooks.pushed(project, repository, artifact, tag, self._host, moment))
        return artifact

    def _scan_finished(self, name: str, artifact: Artifact) -> None:
        project, repository = self.inventory.repository(name)
        if event := webhooks.scanned(project, repository, artifact, self._host, self._clock.now()):
            self._notifier.notify(event)


def _application(context: Context, faults: FaultSettings | None) -> ASGIApp:
    rest = [*projects_api.routes(context), *artifacts_api.routes(context), *scans_api.routes(context)]
    routes = [Mount("/api/v2.0", routes=rest), *registry_api.routes(context)]
    handlers = {HarborError: harbor_error, HTTPException: routing_error}
    app: ASGIApp = Starlette(routes=routes, exception_handlers=handlers)
    app = RequestIdMiddleware(CsrfMiddleware(ReadOnlyMiddleware(app, faults)))
    return app if faults is None else WeatherMiddleware(app, faults, "harbor")
