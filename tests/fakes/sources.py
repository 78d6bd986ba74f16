"""Source repositories in memory: SourceHistory."""

import asyncio
from dataclasses import dataclass, field

from bot.domain.errors import NotFound
from bot.domain.overlay import Commit
from bot.ports import Comparison


@dataclass
class MemorySources:
    """`commits`: by source URL, oldest first. A source in `slow` never answers."""

    commits: dict[str, list[Commit]] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)

    async def compare(self, source: str, before: str, after: str) -> Comparison:
        if source in self.slow:
            await asyncio.Event().wait()
        shas = [commit.sha for commit in self.commits.get(source, [])]
        if before not in shas or after not in shas:
            raise NotFound("GitHub", "compare", f"{source} has no such commit")
        between = self.commits[source][shas.index(before) + 1 : shas.index(after) + 1]
        behind = max(0, shas.index(before) - shas.index(after))
        return Comparison(len(between), tuple(reversed(between)), f"{source}/compare/{before}...{after}", behind)
