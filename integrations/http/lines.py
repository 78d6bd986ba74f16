"""Lines out of a stream of bytes, none longer than memory allows."""

from collections.abc import AsyncIterator


class LineTooLong(Exception):
    """A line went on beyond the limit."""


async def lines(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """Each line without its end, empty ones left out. Raises LineTooLong beyond `limit` bytes."""
    pending: list[bytes] = []
    size = 0
    async for chunk in chunks:
        *whole, rest = chunk.split(b"\n")
        for part in whole:
            if size + len(part) > limit:
                raise LineTooLong
            line = b"".join((*pending, part)).strip()
            pending.clear()
            size = 0
            if line:
                yield line
        if rest:
            pending.append(rest)
            size += len(rest)
        if size > limit:
            raise LineTooLong
    if line := b"".join(pending).strip():
        yield line
