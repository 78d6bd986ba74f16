"""What overlays pin, by the id of the content that says so: a copy that spares the parsing, and may be lost."""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version

import sqlalchemy as sa

from bot.domain.overlay import OverlayImage
from bot.store.codec import dump, load
from bot.store.database import Database, metadata
from bot.store.statements import among, given, unless_there

parsed_overlays = sa.Table(
    "parsed_overlays",
    metadata,
    sa.Column("content", sa.String(64), primary_key=True),
    sa.Column("reader", sa.String(64), primary_key=True),
    sa.Column("images", sa.Text, nullable=False),
)
"""`reader`: the version of Pilothouse that has parsed it; another one may read it otherwise"""

_ALL = sa.select(parsed_overlays.c.content, parsed_overlays.c.images).where(given(parsed_overlays.c.reader))
_OTHERS = parsed_overlays.c.reader != sa.bindparam("reader")
_OF_OTHERS = sa.select(parsed_overlays.c.content).where(_OTHERS)
_PUT = unless_there(parsed_overlays)
_GONE = parsed_overlays.delete().where(among(parsed_overlays.c.content, "contents"))
_REPLACED = _GONE.where(_OTHERS)

AT_ONCE = 500
"""rows in one statement"""
Images = tuple[OverlayImage, ...]


class ParsedOverlayStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> dict[str, Images]:
        """What this version has parsed. Raises DatabaseAway."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(_ALL, {"reader": reader()})).all()
        return {content: load(images, Images) for content, images in rows}

    async def of_others(self) -> frozenset[str]:
        """The contents that other versions have parsed. Raises DatabaseAway."""
        async with self._database.reading() as connection:
            return frozenset((await connection.execute(_OF_OTHERS, {"reader": reader()})).scalars().all())

    async def change(self, new: Mapping[str, Images], gone: Iterable[str]) -> None:
        """In short transactions, so that nobody else waits long.

        What is new replaces what other versions have of the same content, and of nothing else: in an upgrade both run,
        and neither is to parse everything again. What is gone goes for all versions. Raises DatabaseAway.
        """
        rows = [{"content": id, "reader": reader(), "images": dump(images)} for id, images in new.items()]
        left = sorted(gone)
        for at in range(0, len(left), AT_ONCE):
            async with self._database.begin() as connection:
                await connection.execute(_GONE, {"contents": left[at : at + AT_ONCE]})
        for at in range(0, len(rows), AT_ONCE):
            some = rows[at : at + AT_ONCE]
            same = [row["content"] for row in some]
            async with self._database.begin() as connection:
                await connection.execute(_REPLACED, {"contents": same, "reader": reader()})
                await connection.execute(_PUT.on(connection), some)


@cache
def reader() -> str:
    return version("pilothouse")[:64]
