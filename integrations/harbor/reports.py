"""The last finished report of each image, kept because a rescan deletes it from Harbor (H14)."""

from collections import OrderedDict

from bot.domain.scan import Vulnerability


class Reports:
    """The newest `limit` that were seen. Gone at a restart, when Harbor is asked afresh."""

    def __init__(self, limit: int = 200) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, tuple[Vulnerability, ...]] = OrderedDict()

    def keep(self, digest: str, found: tuple[Vulnerability, ...]) -> None:
        self._kept[digest] = found
        self._kept.move_to_end(digest)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)

    def last(self, digest: str) -> tuple[Vulnerability, ...] | None:
        return self._kept.get(digest)
