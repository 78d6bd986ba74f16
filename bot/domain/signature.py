"""Whether an image is signed by somebody we trust."""

from dataclasses import dataclass
from enum import StrEnum


class SignatureState(StrEnum):
    SIGNED = "Signed"
    MISSING = "no signature"
    OTHER_KEY = "signed by another key"
    KEYLESS = "signed keyless, by an identity"
    OTHER_DIGEST = "signature is for another digest"
    OTHER_REPOSITORY = "signature is for another repository"
    MALFORMED = "signature cannot be read"


@dataclass(frozen=True)
class SignatureCheck:
    """`key` names the public key that verified it; "" unless signed."""

    state: SignatureState
    key: str = ""
    detail: str = ""
