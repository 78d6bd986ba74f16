"""One object as its difference to another: what is copied of that, and what is inserted. gitformat-pack(5). Pure."""

from collections.abc import Iterable

_COPIED_AT_ONCE = 0xFFFF
_INSERTED_AT_ONCE = 0x7F
_COPY = 0x80
_ALL = 0x10000
"""bytes that are copied where no size is given"""


def delta(before: int, after: int, pieces: Iterable[slice | bytes]) -> bytes:
    """Of an object of `before` bytes to one of `after`, which is stretches of the first, and new bytes."""
    steps = (_copy(piece) if isinstance(piece, slice) else _insert(piece) for piece in pieces)
    return _size(before) + _size(after) + b"".join(steps)


def applied(base: bytes, difference: bytes, largest: int) -> bytes:
    """What `difference` makes of `base`. Raises ValueError where it is none, or makes more than `largest` bytes."""
    before, position = _sized(difference, 0)
    after, position = _sized(difference, position)
    if before != len(base) or after > largest:
        raise ValueError("not a difference to this object")
    made = bytearray()
    while position < len(difference) and len(made) <= after:
        step, position = difference[position], position + 1
        if step & _COPY:
            start, position = _number(difference, position, step & 0xF)
            size, position = _number(difference, position, step >> 4 & 7)
            made += base[start : start + (size or _ALL)]
        else:
            made += difference[position : position + step]
            position += step
    if len(made) != after or position != len(difference):
        raise ValueError("an object is not as long as its difference says")
    return bytes(made)


def _number(data: bytes, position: int, present: int) -> tuple[int, int]:
    """Its bytes, the lowest first; `present` has a bit for each that is not zero."""
    number = 0
    for place in range(present.bit_length()):
        if present >> place & 1:
            number |= data[position] << 8 * place
            position += 1
    return number, position


def _sized(data: bytes, position: int) -> tuple[int, int]:
    number, shift = data[position] & 0x7F, 7
    while data[position] & 0x80:
        position += 1
        number |= (data[position] & 0x7F) << shift
        shift += 7
    return number, position + 1


def _size(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that more follow."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def _copy(stretch: slice) -> bytes:
    return b"".join(
        b"\xbf" + at.to_bytes(4, "little") + min(_COPIED_AT_ONCE, stretch.stop - at).to_bytes(2, "little")
        for at in range(stretch.start, stretch.stop, _COPIED_AT_ONCE)
    )


def _insert(data: bytes) -> bytes:
    parts = (data[at : at + _INSERTED_AT_ONCE] for at in range(0, len(data), _INSERTED_AT_ONCE))
    return b"".join(bytes([len(part)]) + part for part in parts)
