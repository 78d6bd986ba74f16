"""Harbor: a scan that is over wakes whoever waits for it."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from bot.domain.image import is_digest
from bot.store.codec import load
from bot.webhooks.sender import Delivery, decoded, same

Scanned = Callable[[str, str], Awaitable[object]]
"""called with the digest of an image, and its repository without the registry's host"""

OVER = {
    "SCANNING_COMPLETED", "SCANNING_FAILED", "SCANNING_STOPPED",
    "harbor.scan.completed", "harbor.scan.failed", "harbor.scan.stopped",
}  # fmt: skip
"""In both formats (H19, H21)."""


class Resource(msgspec.Struct):
    digest: str = ""


class ScanOf(msgspec.Struct):
    scan_type: str = "vulnerability"


class InRepository(msgspec.Struct):
    repo_full_name: str = ""


class Data(msgspec.Struct):
    resources: list[Resource] | None = None
    repository: InRepository | None = None
    scan: ScanOf | None = None


class Event(msgspec.Struct):
    """The Default format (H20) and CloudEvents (H21) in one: either has `event_data` or `data`."""

    type: str
    id: str = ""
    source: str = ""
    event_data: Data | None = None
    data: Data | None = None


class ScanOver(msgspec.Struct):
    """What is kept of it."""

    digest: str
    repository: str = ""
    """H27: for an index the digests are those of its platforms, so the repository says whom it concerns, too"""


class HarborWebhook:
    """The tag of an event is not looked at: it may be the digest, or absent (H23)."""

    name = "harbor"

    def __init__(self, scanned: Scanned) -> None:
        self._scanned = scanned

    def possible(self, headers: Mapping[str, str], secret: str) -> bool:
        return self.authentic(headers, b"", secret)

    def authentic(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:  # noqa: ARG002 (others sign it)
        """H22: the value itself, with no scheme before it."""
        return same(headers.get("authorization", ""), secret)

    def read(self, headers: Mapping[str, str], body: bytes) -> Delivery | None:  # noqa: ARG002 (formats differ in the body)
        event = decoded(body, Event, "an event of Harbor")
        if event.type not in OVER:
            return None
        data = event.data or event.event_data or Data()
        if data.scan is not None and data.scan.scan_type != "vulnerability":
            return None  # H23: making an SBOM fires the same events
        digest = next((r.digest for r in data.resources or () if is_digest(r.digest)), "")
        if not digest:
            return None
        repository = data.repository.repo_full_name if data.repository else ""
        return Delivery(_id(event, body), ScanOver(digest, repository))

    async def act(self, facts: str) -> None:
        over = load(facts, ScanOver)
        await self._scanned(over.digest, over.repository)


def _id(event: Event, body: bytes) -> str:
    """A CloudEvent's id is equal on retries (H21); the Default format has none, but its retries are equal (H20)."""
    return f"{event.source} {event.id}"[:255] if event.id else hashlib.sha256(body).hexdigest()
