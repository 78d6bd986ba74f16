"""What an image consists of, by content."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.domain.errors import Refused
from integrations.harbor.names import SYSTEM
from integrations.kept import Kept

MOST = 500
"""manifests under one index; no honest one comes near"""
KEPT = 5000


class IndexContents:
    """`children`: the digests right under one; () for what is no index. A digest's never change, so they are kept."""

    def __init__(self, children: Callable[[str, str], Awaitable[tuple[str, ...]]]) -> None:
        self._children = children
        self._kept: Kept[tuple[str, ...]] = Kept(KEPT)

    async def of(self, repository: str, digest: str) -> frozenset[str]:
        """Its own digest and those of everything under it, however deep. Raises Refused for more than `MOST`."""
        found = {digest}
        level = [digest]
        while level:
            below = await asyncio.gather(*(self._under(repository, each) for each in level))
            level = [child for children in below for child in dict.fromkeys(children) if child not in found]
            found.update(level)
            if len(found) > MOST:
                raise Refused(SYSTEM, f"look into {repository}", f"an index of more than {MOST} manifests")
        return frozenset(found)

    async def _under(self, repository: str, digest: str) -> tuple[str, ...]:
        known = self._kept.get(digest)
        if known is None:
            known = self._kept.keep(digest, await self._children(repository, digest))
        return known
