"""What a change brings: how many source commits, and whose the newest one is. Never waited for long."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace

import structlog

from bot.domain.errors import IntegrationError
from bot.domain.promotion import Move
from bot.ports import Comparison, SourceHistory

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class Told:
    """The moves with their counts, and the e-mails of the authors of their newest commits."""

    moves: tuple[Move, ...]
    authors: tuple[str, ...] = ()


class Changes:
    """`sources` is None where no source host is configured: then nothing is known, and nothing is asked."""

    def __init__(self, sources: SourceHistory | None, patience: float = PATIENCE_SECONDS) -> None:
        self._sources = sources
        self._patience = patience

    async def of(self, moves: Iterable[Move]) -> Told:
        """What cannot be had in time is left out."""
        known = tuple(moves)
        found = await asyncio.gather(*(self._compared(move) for move in known))
        counted = tuple(
            replace(move, commits=one.total) if one else move for move, one in zip(known, found, strict=True)
        )
        newest = [one.commits[0].author.email for one in found if one and one.commits]
        return Told(counted, tuple(dict.fromkeys(email for email in newest if email)))

    async def _compared(self, move: Move) -> Comparison | None:
        if self._sources is None or not (move.source and move.revision and move.revision_before):
            return None
        try:
            async with asyncio.timeout(self._patience):
                return await self._sources.compare(move.source, move.revision_before, move.revision)
        except (IntegrationError, TimeoutError) as error:
            log.info("source commits are not known", app=move.app, error=str(error) or "timeout")
            return None
