"""Harbor: a scan that is over wakes the gates that wait; it, and a new image, are facts of the delivery record."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import msgspec

from bot.domain.image import is_digest
from bot.store.codec import load
from bot.webhooks.sender import Delivery, decoded, moment, moment_of, same

Scanned = Callable[[str, str], Awaitable[object]]
"""called with the digest of an image, and its repository without the registry's host"""
Stored = Callable[[str, str, str, datetime | None], Awaitable[object]]
"""with the same, the tag ("" without one), and when it was pushed"""

OVER = {
    "SCANNING_COMPLETED", "SCANNING_FAILED", "SCANNING_STOPPED",
    "harbor.scan.completed", "harbor.scan.failed", "harbor.scan.stopped",
}  # fmt: skip
"""In both formats (H19, H21)."""
PUSHED = {"PUSH_ARTIFACT", "harbor.artifact.pushed"}
BESIDE = (".sig", ".att", ".sbom")
"""how the tags of signatures and the like end (H23): they are no images"""


class EventResource(msgspec.Struct):
    digest: str = ""
    tag: str | None = None


class ScanOf(msgspec.Struct):
    scan_type: str = "vulnerability"


class InRepository(msgspec.Struct):
    repo_full_name: str = ""


class HarborEventData(msgspec.Struct):
    resources: list[EventResource] | None = None
    repository: InRepository | None = None
    scan: ScanOf | None = None


class HarborEvent(msgspec.Struct):
    """The Default format (H20) and CloudEvents (H21) in one: either has `event_data` or `data`."""

    type: str
    id: str = ""
    source: str = ""
    occur_at: int = 0
    """seconds since the epoch"""
    time: datetime | None = None
    event_data: HarborEventData | None = None
    data: HarborEventData | None = None


class ScanOver(msgspec.Struct):
    """What is kept of it."""

    digest: str
    repository: str = ""
    """H27: for an index the digests are those of its platforms, so the repository says whom it concerns, too"""
    pushed: bool = False
    """it is no scan: the image is there"""
    tag: str = ""
    at: datetime | None = None


class HarborWebhook:
    """The tag of a scan's event is not looked at: it may be the digest, or absent (H23)."""

    name = "harbor"
    setting = "harbor_token"
    without = "finished scans are noticed at the next look"

    def __init__(self, scanned: Scanned, stored: Stored) -> None:
        self._scanned = scanned
        self._stored = stored

    def possible(self, headers: Mapping[str, str], secret: str) -> bool:
        return self.authentic(headers, b"", secret)

    def authentic(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:  # noqa: ARG002 (others sign it)
        """H22: the value itself, with no scheme before it."""
        return same(headers.get("authorization", ""), secret)

    def read(self, headers: Mapping[str, str], body: bytes) -> Delivery | None:  # noqa: ARG002 (formats differ in the body)
        event = decoded(body, HarborEvent, "an event of Harbor")
        if event.type not in OVER | PUSHED:
            return None
        data = event.data or event.event_data or HarborEventData()
        if data.scan is not None and data.scan.scan_type != "vulnerability":
            return None  # H23: making an SBOM fires the same events
        image = next((r for r in data.resources or () if is_digest(r.digest)), None)
        if image is None:
            return None
        repository = data.repository.repo_full_name if data.repository else ""
        if event.type in OVER:
            return Delivery(_id(event, body), ScanOver(image.digest, repository))
        tag = image.tag if image.tag and not is_digest(image.tag) else ""
        if tag.endswith(BESIDE):
            return None
        return Delivery(_id(event, body), ScanOver(image.digest, repository, pushed=True, tag=tag, at=_at(event)))

    async def act(self, facts: str) -> None:
        told = load(facts, ScanOver)
        if told.pushed:
            await self._stored(told.digest, told.repository, told.tag, told.at)
        else:
            await self._scanned(told.digest, told.repository)


def _at(event: HarborEvent) -> datetime | None:
    return moment(event.time) if event.time else moment_of(event.occur_at)


def _id(event: HarborEvent, body: bytes) -> str:
    """A CloudEvent's id is equal on retries (H21); the Default format has none, but its retries are equal (H20)."""
    return f"{event.source} {event.id}"[:255] if event.id else hashlib.sha256(body).hexdigest()
