"""From what single signatures say to what is said of the image."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.signature import SignatureCheck, SignatureState


@dataclass(frozen=True)
class Found:
    """What one signature turned out to be."""

    state: SignatureState
    key: str = ""
    detail: str = ""

    @classmethod
    def signed(cls, key: str) -> "Found":
        return cls(SignatureState.SIGNED, key)

    @classmethod
    def other_key(cls) -> "Found":
        return cls(SignatureState.OTHER_KEY, detail="no trusted key verifies it")

    @classmethod
    def other_digest(cls, signed: str) -> "Found":
        return cls(SignatureState.OTHER_DIGEST, detail=f"it signs {signed[:200]}")

    @classmethod
    def malformed(cls, detail: str) -> "Found":
        return cls(SignatureState.MALFORMED, detail=detail)


MOST_TELLING = (
    SignatureState.SIGNED,
    SignatureState.OTHER_DIGEST,
    SignatureState.OTHER_KEY,
    SignatureState.MALFORMED,
)


def verdict(found: Iterable[Found]) -> SignatureCheck:
    """Any signature that verifies is enough (C3); else the reason nearest to it."""
    best = min(found, key=lambda f: MOST_TELLING.index(f.state), default=None)
    if best is None:
        return SignatureCheck(SignatureState.MISSING)
    return SignatureCheck(best.state, best.key, best.detail)
