"""Environments, in promotion order."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

SHORT = frozenset({"pro", "live"})
"""short words for production, only as a part of their own in a name"""
BEFORE = frozenset({"pre", "non", "not", "no"})
"""what such a word says the opposite with: `pre-prod`, `nonprod`"""
_PRODUCTION = re.compile(r"(?P<before>[a-z]*)(?:production|prod|prd)")


@dataclass(frozen=True)
class Environment:
    """`order` 0 is where images first arrive; images are promoted from one order to the next."""

    name: str
    order: int
    aliases: tuple[str, ...] = ()

    def answers_to(self, word: str) -> bool:
        return word.lower() in (self.name, *self.aliases)

    @property
    def production(self) -> bool:
        """Whether its name, or another word for it, says production."""
        return any(map(says_production, (self.name, *self.aliases)))


def careful(environments: Sequence[Environment]) -> frozenset[str]:
    """The names of those that nobody changes in passing: production, and the last one."""
    return frozenset(careful_ones(environments))


def careful_ones(environments: Sequence[Environment]) -> tuple[str, ...]:
    """The same, in promotion order: what a report looks at when no environment is named."""
    return tuple(each.name for each in environments if each.production or each == environments[-1])


def says_production(word: str) -> bool:
    """`production`, `prod-eu`, `EU_PRD2`, `live`; and not `pre-prod`, `nonprod`, `product` or `olive`."""
    parts = re.findall(r"[a-z]+", word.lower())
    return any(_says(part) and before not in BEFORE for before, part in zip(["", *parts], parts, strict=False))


def _says(part: str) -> bool:
    found = _PRODUCTION.fullmatch(part)
    return part in SHORT or (found is not None and found["before"] not in BEFORE)
