"""Objects that are new, in packs: a thin one that travels to the remote, and a whole one with its index for the cache.

Formats: gitformat-pack(5).
"""

import hashlib
import struct
import uuid
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path

from integrations.git.deltas import applied

_KINDS = {"commit": 1, "tree": 2, "blob": 3}
_NAMES = {number: kind for kind, number in _KINDS.items()}
_VERSION = 2
_HEAD, _SUM = 12, 20
"""bytes"""
_LARGEST = 1 << 20
"""bytes; what is larger is left to git"""
_ROOM = 100
"""bytes by which zlib may make a small object larger"""
_DELTA_BACK, _DELTA_TO = 6, 7
_INDEX = b"\xfftOc\0\0\0\x02"
"""of version 2"""
_AS_IT_IS = 0
"""level of zlib: a large tree is mostly hashes, which take long to compress and get no smaller"""


@dataclass(frozen=True)
class New:
    """An object to write, with `delta` to the object `base` where there is one."""

    kind: str
    body: bytes
    base: str = ""
    delta: bytes = b""

    @cached_property
    def sha(self) -> str:
        return hashlib.sha1(b"%s %d\0%s" % (self.kind.encode(), len(self.body), self.body)).hexdigest()  # noqa: S324


@dataclass(frozen=True)
class Pack:
    """As git keeps it: what is in it, and where. `name` is its checksum in hex."""

    name: str
    body: bytes
    index: bytes


def thin(objects: Iterable[New]) -> bytes:
    """For the remote, which has the bases of its deltas."""
    named = {new.sha: new for new in objects}
    # A tree that is as another was before is there already; and a delta to itself, or in a circle, none can read.
    bases = {new.base for new in named.values()}
    return _pack([_thinned(new) for sha, new in named.items() if sha not in bases])


def whole(objects: Iterable[New]) -> Pack:
    """Without deltas, so that it needs no other pack."""
    named = {new.sha: new for new in objects}
    entries = [_header(_KINDS[new.kind], len(new.body)) + zlib.compress(new.body, _AS_IT_IS) for new in named.values()]
    body = _pack(entries)
    return Pack(body[-_SUM:].hex(), body, _index([bytes.fromhex(sha) for sha in named], entries, body[-_SUM:]))


def unpacked(pack: bytes) -> tuple[New, ...]:
    """What is in a pack. Raises ValueError for half of one, for what is none, and for what is better left to git."""
    magic, version, count = struct.unpack_from(">4sLL", pack) if len(pack) >= _HEAD + _SUM else (b"", 0, 0)
    if magic != b"PACK" or version != _VERSION or hashlib.sha1(pack[:-_SUM]).digest() != pack[-_SUM:]:  # noqa: S324
        raise ValueError("not a pack")
    found: dict[int, New] = {}
    position = _HEAD
    try:
        for _ in range(count):
            found[position], position = _read(pack, position, found)
    except (zlib.error, IndexError) as error:
        raise ValueError(str(error)) from None
    if position != len(pack) - _SUM:
        raise ValueError("more than the pack says")
    return tuple(found.values())


def _read(pack: bytes, start: int, found: Mapping[int, New]) -> tuple[New, int]:
    """The object that begins there, and where the next one does. Raises ValueError, zlib.error, IndexError."""
    byte, position = pack[start], start + 1
    number, size, shift = byte >> 4 & 7, byte & 0xF, 4
    while byte & 0x80:
        byte, position = pack[position], position + 1
        size |= (byte & 0x7F) << shift
        shift += 7
    if size > _LARGEST:
        raise ValueError("too large")
    base: New | None = None
    if number == _DELTA_BACK:
        back, position = _back(pack, position)
        base = found.get(start - back)
    elif number == _DELTA_TO:
        sha, position = pack[position : position + _SUM].hex(), position + _SUM
        base = next((new for new in found.values() if new.sha == sha), None)
    stream = zlib.decompressobj()
    packed = pack[position : min(position + size + size // 100 + _ROOM, len(pack) - _SUM)]
    body = stream.decompress(packed, size + 1)
    if len(body) != size or not stream.eof:
        raise ValueError("an object is not as long as the pack says")
    if number in (_DELTA_BACK, _DELTA_TO):
        if not base:
            raise ValueError("a difference to what is not there before it")
        new = New(base.kind, applied(base.body, body, _LARGEST))
    elif kind := _NAMES.get(number):
        new = New(kind, body)
    else:
        raise ValueError("neither a file, a tree nor a commit")
    return new, position + len(packed) - len(stream.unused_data)


def _back(pack: bytes, position: int) -> tuple[int, int]:
    """How far before an object the one is that it is the difference to."""
    byte, position = pack[position], position + 1
    back = byte & 0x7F
    while byte & 0x80:
        byte, position = pack[position], position + 1
        back = (back + 1 << 7) | byte & 0x7F
    return back, position


def keep(pack: Pack, directory: Path) -> None:
    """Write it down, seen by git once it is complete; as fetched from the remote, which is to have it. Raises OSError.

    Beside a repack: that drops what no branch leads to yet, but not what is the remote's; and, before git 2.42, a pack
    that has no index yet, but not one that is kept.
    """
    path = directory / f"pack-{pack.name}"
    path.with_suffix(".keep").touch()
    try:
        path.with_suffix(".promisor").touch()
        _write(path.with_suffix(".pack"), pack.body)
        _write(path.with_suffix(".idx"), pack.index)
    finally:
        path.with_suffix(".keep").unlink(missing_ok=True)


def _pack(entries: list[bytes]) -> bytes:
    body = struct.pack(">4sLL", b"PACK", _VERSION, len(entries)) + b"".join(entries)
    return body + hashlib.sha1(body).digest()  # noqa: S324


def _thinned(new: New) -> bytes:
    if new.base:
        return _header(_DELTA_TO, len(new.delta)) + bytes.fromhex(new.base) + zlib.compress(new.delta)
    return _header(_KINDS[new.kind], len(new.body)) + zlib.compress(new.body)


def _header(kind: int, size: int) -> bytes:
    """Four bits of the size beside the kind, then seven bits a byte."""
    encoded = [kind << 4 | size & 0xF]
    size >>= 4
    while size:
        encoded[-1] |= 0x80
        encoded.append(size & 0x7F)
        size >>= 7
    return bytes(encoded)


def _index(shas: list[bytes], entries: list[bytes], checksum: bytes) -> bytes:
    """Names in order, how many begin with each byte or a lower one, and of each its CRC and its place."""
    places = accumulate(map(len, entries), initial=_HEAD)
    rows = sorted(zip(shas, map(zlib.crc32, entries), places, strict=False))
    begin = [sha[0] for sha, _, _ in rows]
    body = b"".join((
        _INDEX,
        struct.pack(">256L", *(sum(first <= byte for first in begin) for byte in range(256))),
        *(sha for sha, _, _ in rows),
        *(struct.pack(">L", crc) for _, crc, _ in rows),
        *(struct.pack(">L", place) for _, _, place in rows),
        checksum,
    ))  # fmt: skip
    return body + hashlib.sha1(body).digest()  # noqa: S324


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    unfinished = path.with_name(f"tmp_{uuid.uuid4().hex}")
    try:
        unfinished.write_bytes(content)
        unfinished.chmod(0o444)
        unfinished.rename(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
