"""What a change brings: how many source commits, and whose the newest one is. Never waited for long."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace

import structlog

from bot.domain.authorship import authors_of
from bot.domain.errors import IntegrationError
from bot.domain.promotion import Move, SourceCommit
from bot.ports import Comparison, SourceHistory

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 5.0
NAMED = 3
"""commits whose subjects stand on the card"""
LONGEST = 100
"""characters of a subject or a name that are kept"""


@dataclass(frozen=True)
class KnownChanges:
    """The moves with their counts, and the e-mails of whoever wrote their newest commits.

    `unknown`: the apps of images whose authors nobody told.
    """

    moves: tuple[Move, ...]
    authors: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class Changes:
    """`sources` is None where no source host is configured: then nothing is known, and nothing is asked."""

    def __init__(self, sources: SourceHistory | None, patience: float = PATIENCE_SECONDS) -> None:
        self._sources = sources
        self._patience = patience

    async def of(self, moves: Iterable[Move]) -> KnownChanges:
        """What cannot be had in time is left out."""
        known = tuple(moves)
        found = await asyncio.gather(*(self._compared(move) for move in known))
        counted = tuple(
            replace(move, commits=one.total, behind=one.behind, newest=_newest(one)) if one else move
            for move, one in zip(known, found, strict=True)
        )
        wrote = [authors_of(one.commits) if one else () for one in found]
        unknown = [move.app for move, by in zip(known, wrote, strict=True) if not by or not all(by)]
        authors = dict.fromkeys(email for by in wrote for email in by if email)
        return KnownChanges(counted, tuple(authors), tuple(dict.fromkeys(unknown)))

    async def _compared(self, move: Move) -> Comparison | None:
        if self._sources is None or not (move.source and move.revision and move.revision_before):
            return None
        try:
            async with asyncio.timeout(self._patience):
                return await self._sources.compare(move.source, move.revision_before, move.revision)
        except (IntegrationError, TimeoutError) as error:
            log.info("source.commits_unknown", app=move.app, error=str(error) or "timeout")
            return None


def _newest(comparison: Comparison) -> tuple[SourceCommit, ...]:
    first = comparison.commits[:NAMED]
    return tuple(SourceCommit(one.headline[:LONGEST], one.author.name[:LONGEST]) for one in first)
