"""Images: what they are, what scanners found in them, and who signed them."""

from collections.abc import Mapping
from typing import Protocol

from bot.domain.image import Artifact, Image
from bot.domain.scan import Scan, Vulnerability
from bot.domain.signature import SignatureCheck


class Registry(Protocol):
    """Images and their scans. `repository` includes the registry's host."""

    async def artifact(self, repository: str, reference: str) -> Artifact:
        """By tag or digest. Raises NotFound."""

    async def newest(self, repository: str, limit: int) -> tuple[Artifact, ...]:
        """The newest tagged artifacts, newest first."""

    async def scan(self, image: Image) -> Scan:
        """The newest scan; while a rescan runs, its status (the last finished report is in `vulnerabilities`)."""

    async def start_scan(self, image: Image) -> None:
        """Start one; one that runs already is no error."""

    async def vulnerabilities(self, image: Image, counted: int = 0) -> tuple[Vulnerability, ...]:
        """The findings of the last finished scan, with the project's allowlist subtracted.

        Raises NotFound where no scan has finished, and Unavailable where the list, before the subtraction, is shorter
        than the scan has `counted`.
        """


class ImageContents(Protocol):
    async def contents(self, image: Image) -> frozenset[str]:
        """Words for all that it consists of: its own digest, for an index those of everything under it, and for each
        image those of its config and of its files, which another manifest may hold as well.
        """


class Pulls(Protocol):
    async def refusal(self, image: Image) -> str:
        """Why the registry would not hand the image out to a cluster, in its own words; "" where it would."""


class Signatures(Protocol):
    """Is it signed by somebody we trust?"""

    async def check(self, image: Image, keys: Mapping[str, str], *, own_repository: bool = False) -> SignatureCheck:
        """`keys`: name → PEM public key; any one is enough. `own_repository`: the signature must name the image's."""
