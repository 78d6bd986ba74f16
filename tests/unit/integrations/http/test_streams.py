"""Streams: lines as they come, and every way in which they break."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import IntegrationError, Refused, Unavailable
from integrations.http import Connection, HttpPolicy
from integrations.http.lines import LineTooLong, lines
from tests.unit.integrations.http.server import Behave, endless, misbehaving, raw, silent

POLICY = HttpPolicy(connect=0.5, read=0.3, total=2, line_limit=100)
HEAD = b"HTTP/1.1 200 OK\r\n"


async def read_all(behave: Behave) -> list[bytes]:
    async with (
        misbehaving(behave) as url,
        Connection("system", url, policy=POLICY) as connection,
        connection.stream("follow", "/") as each,
    ):
        return [line async for line in each]


async def test_lines_come_without_their_ends_and_empty_ones_do_not() -> None:
    assert await read_all(raw(HEAD + b"\r\na\n\r\n\nb\r\nc")) == [b"a", b"b", b"c"]


BROKEN: dict[str, tuple[Behave, type[IntegrationError]]] = {
    "a line that never ends": (endless(HEAD + b"\r\n", b"x" * 50), Refused),
    "silence": (silent, Unavailable),
    "a stream that breaks off": (raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\na\n\r\n"), Unavailable),
    "a refusal": (raw(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"), Refused),
    "an overload": (raw(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"), Unavailable),
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_broken_stream_is_an_error_of_ours(fault: str) -> None:
    behave, expected = BROKEN[fault]
    async with asyncio.timeout(30):
        with pytest.raises(expected):
            await read_all(behave)


async def test_what_the_reader_raises_is_not_mistaken_for_the_streams() -> None:
    async def read(connection: Connection) -> None:
        async with connection.stream("follow", "/") as each:
            async for line in each:
                raise KeyError(line)

    async with misbehaving(raw(HEAD + b"\r\na\n")) as url, Connection("system", url, policy=POLICY) as connection:
        with pytest.raises(KeyError):
            await read(connection)


@given(st.lists(st.binary(max_size=20), max_size=20), st.data())
async def test_however_the_bytes_are_cut_the_lines_are_the_same(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"\n".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=10)))

    async def chunks() -> AsyncIterator[bytes]:
        for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
            yield whole[start:end]

    found = [line async for line in lines(chunks(), 1000)]
    assert found == [line.strip() for line in whole.split(b"\n") if line.strip()]


@given(st.lists(st.integers(1, 30), min_size=1, max_size=30))
async def test_no_more_than_the_limit_is_ever_held(sizes: list[int]) -> None:
    limit, read = 100, 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read
        for size in sizes:
            read += size
            yield b"x" * size

    try:
        found = [line async for line in lines(chunks(), limit)]
    except LineTooLong:
        assert limit < read <= limit + 30
    else:
        assert found == [b"x" * sum(sizes)]
        assert sum(sizes) <= limit
