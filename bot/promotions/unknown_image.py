"""An image that somebody names and the registry does not have: one sentence for it, with what there is instead."""

import re
from collections.abc import Iterable

from bot.domain.errors import NotFound, UnknownName, UnknownRegistry
from bot.domain.sentence import listed, quoted
from bot.ports import Registry

NEWEST = 5
"""tags that are named"""


async def unknown_image(registry: Registry, reference: str, repositories: Iterable[str]) -> UnknownName:
    """A tag that is wrong by its `v` alone is offered; else the newest are named."""
    names = tuple(dict.fromkeys(repositories))
    said = f"There is no image {quoted(reference)} in {listed(names, 'or') or 'the overlay'}."
    for repository in names:
        try:
            if found := await _instead(registry, reference, repository):
                return UnknownName(f"{said} {found}")
        except UnknownRegistry:
            continue
    return UnknownName(said)


async def _instead(registry: Registry, reference: str, repository: str) -> str:
    if other := _other_spelling(reference):
        try:
            await registry.artifact(repository, other)
        except NotFound:
            pass
        else:
            return f"Did you mean {quoted(other)}?"
    tags = [artifact.tags[0] for artifact in await registry.newest(repository, NEWEST) if artifact.tags]
    return f"The newest {'is' if len(tags) == 1 else 'are'} {listed([quoted(tag) for tag in tags])}." if tags else ""


def _other_spelling(reference: str) -> str:
    """ "v1.4.2" for "1.4.2", and the reverse."""
    if re.match(r"v\d", reference):
        return reference[1:]
    return f"v{reference}" if re.match(r"\d", reference) else ""
