"""What overlays pin, by the id of the content that says so: a copy that spares the parsing, and may be lost."""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version

import sqlalchemy as sa

from bot.domain.overlay import OverlayImage
from bot.store.codec import dump, load
from bot.store.database import Database, metadata

parsed_overlays = sa.Table(
    "parsed_overlays",
    metadata,
    sa.Column("content", sa.String(64), primary_key=True),
    sa.Column("reader", sa.String(64), primary_key=True),
    sa.Column("images", sa.Text, nullable=False),
)
"""`reader`: the version of Pilothouse that has parsed it; another one may read it otherwise"""

AT_ONCE = 500
"""rows in one statement"""
Images = tuple[OverlayImage, ...]


class ParsedOverlayStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> dict[str, Images]:
        """What this version has parsed. Raises DatabaseAway."""
        query = sa.select(parsed_overlays.c.content, parsed_overlays.c.images)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query.where(parsed_overlays.c.reader == reader()))).all()
        return {content: load(images, Images) for content, images in rows}

    async def of_others(self) -> frozenset[str]:
        """The contents that other versions have parsed. Raises DatabaseAway."""
        query = sa.select(parsed_overlays.c.content).where(parsed_overlays.c.reader != reader())
        async with self._database.reading() as connection:
            return frozenset((await connection.execute(query)).scalars().all())

    async def change(self, new: Mapping[str, Images], gone: Iterable[str]) -> None:
        """In short transactions, so that nobody else waits long.

        What is new replaces what other versions have of the same content, and of nothing else: in an upgrade both run,
        and neither is to parse everything again. What is gone goes for all versions. Raises DatabaseAway.
        """
        rows = [{"content": id, "reader": reader(), "images": dump(images)} for id, images in new.items()]
        insert = self._database.insert(parsed_overlays).on_conflict_do_nothing()
        table, left = parsed_overlays, sorted(gone)
        for at in range(0, len(left), AT_ONCE):
            async with self._database.begin() as connection:
                await connection.execute(table.delete().where(table.c.content.in_(left[at : at + AT_ONCE])))
        for at in range(0, len(rows), AT_ONCE):
            some = rows[at : at + AT_ONCE]
            same = table.c.content.in_([row["content"] for row in some])
            async with self._database.begin() as connection:
                await connection.execute(table.delete().where(same, table.c.reader != reader()))
                await connection.execute(insert, some)


@cache
def reader() -> str:
    return version("pilothouse")[:64]
