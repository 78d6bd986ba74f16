"""From what single signatures say to what is said of the image."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.signature import SignatureCheck, SignatureState

KEYLESS = "it is signed keyless, by an identity and a certificate, and the policy trusts keys only"


@dataclass(frozen=True)
class SignatureResult:
    """What one signature turned out to be."""

    state: SignatureState
    key: str = ""
    detail: str = ""

    @classmethod
    def signed(cls, key: str) -> "SignatureResult":
        return cls(SignatureState.SIGNED, key)

    @classmethod
    def other_key(cls, *, keyless: bool = False) -> "SignatureResult":
        """`keyless`: it comes with a certificate that says whose it is, instead of with a key."""
        if keyless:
            return cls(SignatureState.KEYLESS, detail=KEYLESS)
        return cls(SignatureState.OTHER_KEY, detail="no trusted key verifies it")

    @classmethod
    def other_digest(cls, signed: str) -> "SignatureResult":
        return cls(SignatureState.OTHER_DIGEST, detail=f"it signs {signed[:200]}")

    @classmethod
    def other_repository(cls, named: str) -> "SignatureResult":
        """`named` "" where it names none."""
        return cls(SignatureState.OTHER_REPOSITORY, detail=f"it names {named[:200] or 'no repository'}")

    @classmethod
    def malformed(cls, detail: str) -> "SignatureResult":
        return cls(SignatureState.MALFORMED, detail=detail)


MOST_TELLING = (
    SignatureState.SIGNED,
    SignatureState.OTHER_REPOSITORY,
    SignatureState.OTHER_DIGEST,
    SignatureState.KEYLESS,
    SignatureState.OTHER_KEY,
    SignatureState.MALFORMED,
)


def verdict(found: Iterable[SignatureResult]) -> SignatureCheck:
    """Any signature that verifies is enough (C3); else the reason nearest to it."""
    best = min(found, key=lambda f: MOST_TELLING.index(f.state), default=None)
    if best is None:
        return SignatureCheck(SignatureState.MISSING)
    return SignatureCheck(best.state, best.key, best.detail)
