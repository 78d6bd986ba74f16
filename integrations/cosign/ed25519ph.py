"""Ed25519ph (RFC 8032, 5.1): what cosign signs with by an Ed25519 key, and what `cryptography` does not verify (C14).

Verification only: it knows no secret, so its time may depend on what it reads.
"""

import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)
"""of -1"""
DOMAIN = b"SigEd25519 no Ed25519 collisions" + bytes((1, 0))
"""prehashed, and no context"""

Point = tuple[int, int, int, int]
"""extended homogeneous coordinates: X, Y, Z, T"""


def verifies(public: bytes, signature: bytes, content: bytes) -> bool:
    """`public`: the 32 bytes of the key; `content` is hashed here."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, s = decoded(public), int.from_bytes(signature[32:], "little")
    if key is None or s >= ORDER:
        return False
    prehashed = hashlib.sha512(content).digest()
    challenge = hashlib.sha512(DOMAIN + signature[:32] + public + prehashed).digest()
    k = int.from_bytes(challenge, "little") % ORDER
    x, y, z, t = key
    return encoded(added(times(s, BASE), times(k, (P - x, y, z, P - t)))) == signature[:32]


def added(a: Point, b: Point) -> Point:
    low, high = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = high - low, d - c, d + c, high + low
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, point: Point) -> Point:
    found: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = added(found, point)
        point = added(point, point)
        number >>= 1
    return found


def encoded(point: Point) -> bytes:
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decoded(data: bytes) -> Point | None:
    """None for what is no point of the curve, or not the one encoding of it."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def base() -> Point:
    found = decoded((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    assert found
    return found


BASE = base()
