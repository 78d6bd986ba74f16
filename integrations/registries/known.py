"""Only images of the configured registry are looked up in it: the host is part of an image's identity.

`ghcr.io/apps/my-app` is not the `apps/my-app` of our Harbor, whatever is known of that one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.domain.errors import UnknownRegistry
from bot.domain.image import DOCKER_HUB, Artifact, Image, registry_of
from bot.domain.scan import Scan, Vulnerability
from bot.domain.signature import SignatureCheck
from bot.ports import ImageContents, Pulls, Registry, Signatures
from bot.settings import HarborSettings

Hosts = frozenset[str]


def known_hosts(settings: HarborSettings) -> Hosts:
    """As `registry_of` spells them; a word that no image's name could begin with is none."""
    named = [host.strip() for host in settings.hosts.split(",") if host.strip()]
    written = named or [urlsplit(settings.url).netloc.rpartition("@")[2]]
    spelled = {host: registry_of(f"{host}/any") for host in written}
    return frozenset(one for host, one in spelled.items() if one != DOCKER_HUB or host.lower() == DOCKER_HUB)


def check(hosts: Hosts, repository: str) -> None:
    """Raises UnknownRegistry."""
    if (host := registry_of(repository)) not in hosts:
        raise UnknownRegistry(
            "Registry",
            f"look {repository} up",
            f"{repository} is in the registry {host}, which Pilothouse does not ask: nothing vouches for it.",
        )


@dataclass(frozen=True)
class KnownRegistry:
    """The port Registry, for images of these hosts. Raises UnknownRegistry for any other."""

    registry: Registry
    hosts: Hosts

    async def artifact(self, repository: str, reference: str) -> Artifact:
        check(self.hosts, repository)
        return await self.registry.artifact(repository, reference)

    async def newest(self, repository: str, limit: int) -> tuple[Artifact, ...]:
        check(self.hosts, repository)
        return await self.registry.newest(repository, limit)

    async def scan(self, image: Image) -> Scan:
        check(self.hosts, image.repository)
        return await self.registry.scan(image)

    async def start_scan(self, image: Image) -> None:
        check(self.hosts, image.repository)
        await self.registry.start_scan(image)

    async def vulnerabilities(self, image: Image, counted: int = 0) -> tuple[Vulnerability, ...]:
        check(self.hosts, image.repository)
        return await self.registry.vulnerabilities(image, counted)


@dataclass(frozen=True)
class KnownContents:
    """The port ImageContents, for images of these hosts. Raises UnknownRegistry for any other."""

    images: ImageContents
    hosts: Hosts

    async def contents(self, image: Image) -> frozenset[str]:
        check(self.hosts, image.repository)
        return await self.images.contents(image)


@dataclass(frozen=True)
class KnownSignatures:
    """The port Signatures, for images of these hosts. Raises UnknownRegistry for any other."""

    signatures: Signatures
    hosts: Hosts

    async def check(self, image: Image, keys: Mapping[str, str], *, own_repository: bool = False) -> SignatureCheck:
        check(self.hosts, image.repository)
        return await self.signatures.check(image, keys, own_repository=own_repository)


@dataclass(frozen=True)
class KnownPulls:
    """The port Pulls, for images of these hosts. Raises UnknownRegistry for any other."""

    pulls: Pulls
    hosts: Hosts

    async def refusal(self, image: Image) -> str:
        check(self.hosts, image.repository)
        return await self.pulls.refusal(image)
