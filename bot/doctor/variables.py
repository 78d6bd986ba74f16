"""Unknown variables: a misspelt one would otherwise be ignored, and its default used."""

import os
import re
from collections.abc import Iterable

from bot.doctor.finding import Check, Wrong
from bot.runtime.spelling import did_you_mean
from bot.settings import variables
from bot.views.words import count

OTHERS = re.compile(r"PILOTHOUSE_(ARGOCD_INSTANCES__.*|\w*SERVICE_(HOST|PORT\w*)|\w*PORT_\d+_\w+)")
"""Of instances by name, and those that Kubernetes sets for a Service called pilothouse."""


def checks() -> tuple[Check, ...]:
    async def look() -> str:
        known = variables()
        if strange := unknown(os.environ, known):
            told = " ".join(f"{name} is not a setting.{did_you_mean(name, known, limit=1)}" for name in strange)
            raise Wrong(told)
        return f"{count(sum(name in known for name in os.environ), 'variable')} set, all known"

    return (Check("settings", "names", look, "Fix or unset it; docs/reference/settings.md has every setting."),)


def unknown(names: Iterable[str], known: frozenset[str]) -> list[str]:
    return sorted(n for n in names if n.startswith("PILOTHOUSE_") and n not in known and not OTHERS.fullmatch(n))
