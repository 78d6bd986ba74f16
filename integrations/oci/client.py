"""A registry by its own API, as Harbor serves it at `/v2`."""

import hashlib
from dataclasses import replace
from typing import Self
from urllib.parse import quote, urlsplit

import msgspec

from bot.domain.errors import IntegrationError, NotFound, Refused
from bot.domain.image import is_digest
from bot.settings import HarborSettings
from integrations.http import Answer, Connection, HttpPolicy
from integrations.http.answer import decode
from integrations.http.policy import MIB
from integrations.oci.auth import Challenged, RegistryAuth, challenge, same_origin
from integrations.oci.names import referrers_tag, repository_path
from integrations.oci.wire import IMAGE_INDEX, MANIFESTS, Descriptor, ImageConfig, Manifest, OciErrorBody, OciToken

SYSTEM = "OCI registry"
MANIFEST_LIMIT = 4 * MIB
BLOB_LIMIT = 4 * MIB
PAGES = 20


class Redirected(Refused):
    """A blob is somewhere else (object storage); only `Oci.blob` goes there."""

    def __init__(self, system: str, operation: str, detail: str, location: str) -> None:
        super().__init__(system, operation, detail)
        self.args = (system, operation, detail, location)
        self.location = location


class PullRefused(Refused):
    """The project's own rules forbid the pull (H17, H30); `words` are the registry's."""

    def __init__(self, system: str, operation: str, detail: str, words: str) -> None:
        super().__init__(system, operation, detail)
        self.args = (system, operation, detail, words)
        self.words = words


class Oci:
    """Manifests, configs and referrers. Every content asked for by digest is checked against it; raises Refused else.

    `repository` may begin with a registry host, which is not used: there is one registry.
    """

    def __init__(self, settings: HarborSettings, policy: HttpPolicy | None = None) -> None:
        self._settings = settings
        self._auth = RegistryAuth(settings.username, settings.credential("password"))
        self._connection = Connection(SYSTEM, settings.url, auth=self._auth, tls=settings, policy=policy, refine=refine)

    async def manifest(self, repository: str, reference: str) -> Manifest:
        """By tag or digest: an image's manifest, or an index. Raises NotFound."""
        return (await self._manifest(repository, reference))[0]

    async def labels(self, repository: str, digest: str) -> dict[str, str]:
        """The OCI labels in the image's config; of the first platform's image where the digest is an index."""
        manifest = await self.manifest(repository, digest)
        platforms = [d for d in manifest.manifests or () if not d.platform or d.platform.os != "unknown"]
        if platforms:
            manifest = await self.manifest(repository, platforms[0].digest)
        if manifest.config is None:
            return {}
        operation = f"read the config of {repository}@{digest[:19]}"
        blob = await self.blob(repository, manifest.config.digest)
        config = decode(blob, ImageConfig, SYSTEM, operation).config
        return (config.labels if config else None) or {}

    async def referrers(self, repository: str, digest: str, artifact_type: str = "") -> tuple[Descriptor, ...]:
        """What names the image as its subject, of one type or of all; () for none, also for an absent subject (C5)."""
        try:
            found = await self._referrers(repository, digest, artifact_type)
        except NotFound:
            # C4: a registry without the API keeps an index under a tag
            found = await self._referrers_by_tag(repository, digest)
        # C5: whether the filter was applied is told in a header; filtering twice harms nothing
        return tuple(d for d in found if not artifact_type or d.artifact_type == artifact_type)

    async def blob(self, repository: str, digest: str) -> bytes:
        """A small blob. Object storage behind the registry is followed to, without the credentials."""
        operation = f"read the blob {digest[:19]} of {repository}"
        if not is_digest(digest):
            raise Refused(SYSTEM, operation, f"not a digest: {digest[:80]!r}")
        policy = self._limited(BLOB_LIMIT)
        try:
            answer = await self._get(operation, f"{repository_path(repository)}/blobs/{digest}", "*/*", policy)
        except Redirected as elsewhere:
            answer = await self._from_storage(operation, elsewhere.location, policy)
        return verified(answer, digest)

    async def aclose(self) -> None:
        await self._connection.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _get(self, operation: str, path: str, accept: str, policy: HttpPolicy) -> Answer:
        """A challenge is answered once, and at the registry's own origin only: any other would be sent the password."""
        headers = {"Accept": accept}
        try:
            return await self._connection.request(operation, "GET", path, headers=headers, policy=policy)
        except Challenged as asked:
            if not same_origin(asked.realm, self._settings.url):
                raise
            given = await self._connection.request("get a token", "GET", asked.realm, params=asked.query)
        token = given.decode(OciToken)
        self._auth.token = token.token or token.access_token or ""
        headers["Authorization"] = f"Bearer {self._auth.token}"
        return await self._connection.request(operation, "GET", path, headers=headers, policy=policy)

    async def _manifest(self, repository: str, reference: str) -> tuple[Manifest, str]:
        answer = await self._get(
            f"read the manifest {reference[:19]} of {repository}",
            f"{repository_path(repository)}/manifests/{quote(reference, safe=':')}",
            ", ".join(MANIFESTS),
            self._limited(MANIFEST_LIMIT),
        )
        if is_digest(reference):
            verified(answer, reference)
        return answer.decode(Manifest), "sha256:" + hashlib.sha256(answer.body).hexdigest()

    async def _referrers(self, repository: str, digest: str, artifact_type: str) -> list[Descriptor]:
        operation = f"list what refers to {repository}@{digest[:19]}"
        path = f"{repository_path(repository)}/referrers/{digest}"
        if artifact_type:
            path += f"?artifactType={quote(artifact_type, safe='')}"
        found: list[Descriptor] = []
        for _ in range(PAGES):
            answer = await self._get(operation, path, IMAGE_INDEX, self._limited(MANIFEST_LIMIT))
            found += answer.decode(Manifest).manifests or ()
            path = next_page(answer)
            if not path:
                break
        return found

    async def _referrers_by_tag(self, repository: str, digest: str) -> list[Descriptor]:
        try:
            return list((await self.manifest(repository, referrers_tag(digest))).manifests or ())
        except NotFound:
            return []

    async def _from_storage(self, operation: str, location: str, policy: HttpPolicy) -> Answer:
        try:
            storage = Connection(SYSTEM, location, tls=self._settings, policy=policy)
        except ValueError as error:
            raise Refused(SYSTEM, operation, f"the redirect to its storage leads nowhere: {error}") from error
        async with storage:
            return await storage.request(operation, "GET", location, headers={"Accept": "*/*"})

    def _limited(self, size: int) -> HttpPolicy:
        return replace(self._connection.policy, body_limit=size)


def refine(answer: Answer) -> IntegrationError | None:
    """H17: what the project's pull policy blocks is 412."""
    location = answer.headers.get("location", "")
    if answer.status in (302, 303, 307, 308) and location:
        return Redirected(answer.system, answer.operation, f"HTTP {answer.status}", location)
    if answer.status == 401:
        return challenge(answer)
    if answer.status == 412:
        detail = f"the project's policy blocks the pull: {words(answer)}"
        return PullRefused(answer.system, answer.operation, detail, words(answer))
    return None


def words(answer: Answer) -> str:
    try:
        errors = msgspec.json.decode(answer.body, type=OciErrorBody).errors or []
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return "HTTP 412"
    return "; ".join(e.message or e.code or "" for e in errors[:3])[:300]


def verified(answer: Answer, digest: str) -> bytes:
    """Raises Refused when the bytes are not those of the digest."""
    if "sha256:" + hashlib.sha256(answer.body).hexdigest() != digest:
        raise Refused(answer.system, answer.operation, f"the content is not that of {digest[:19]}")
    return answer.body


def next_page(answer: Answer) -> str:
    """The path of the Link with rel next, on this registry; "" at the end."""
    link: str = answer.headers.get("link", "")
    for part in link.split(","):
        target, _, attributes = part.partition(";")
        if 'rel="next"' in attributes or "rel=next" in attributes:
            url = urlsplit(target.strip().removeprefix("<").removesuffix(">"))
            return url.path + (f"?{url.query}" if url.query else "")
    return ""
