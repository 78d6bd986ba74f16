"""Signatures in memory: who signed what, with which key."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.image import Image
from bot.domain.signature import SignatureCheck, SignatureState


@dataclass
class MemorySignatures:
    """A key here is any text; an image is signed when one of the trusted keys is the text that it was signed with."""

    failing: Exception | None = None
    _signed: dict[str, set[str]] = field(default_factory=dict)

    def sign(self, image: Image, key: str) -> None:
        self._signed.setdefault(image.digest, set()).add(key)

    async def check(self, image: Image, keys: Mapping[str, str], *, own_repository: bool = False) -> SignatureCheck:
        if self.failing:
            raise self.failing
        signers = self._signed.get(image.digest, set())
        if not signers:
            return SignatureCheck(SignatureState.MISSING)
        for name, key in keys.items():
            if key in signers:
                return SignatureCheck(SignatureState.SIGNED, name)
        return SignatureCheck(SignatureState.OTHER_KEY, detail="no trusted key verifies it")
