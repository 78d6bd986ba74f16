"""Signature: is the image signed by somebody whom this environment trusts?"""

import asyncio
from typing import ClassVar, Self

from pydantic import Field, field_validator

from bot.domain.image import Image
from bot.domain.promotion import Verdict
from bot.domain.signature import SignatureCheck, SignatureState
from bot.evaluation.question import Options, Question
from bot.evaluation.verdicts import worst_image
from bot.ports import Signatures

REMEDIES = {
    SignatureState.MISSING: "Run `cosign sign` in the pipeline that builds it, by digest.",
    SignatureState.OTHER_KEY: "Sign it with a key that the policy of this environment names.",
    SignatureState.KEYLESS: "Sign it with a key that the policy of this environment names: `cosign sign --key`.",
    SignatureState.OTHER_REPOSITORY: "Sign it in its own repository: `cosign sign --key … --new-bundle-format=false`.",
    SignatureState.OTHER_DIGEST: "Sign this digest: `cosign sign` by digest, not by tag.",
    SignatureState.MALFORMED: "Sign it again with `cosign sign`.",
}


class SignatureOptions(Options):
    keys: dict[str, str] = Field(
        min_length=1, description="Name → PEM public key; a signature with any one of them is enough."
    )
    repository: bool = Field(
        False, description="Whether the signature must name the image's own repository; cosign's bundles name none."
    )

    def ask_no_more_than(self, before: Self) -> bool:
        return set(self.keys.values()) >= set(before.keys.values()) and before.repository >= self.repository

    @field_validator("keys")
    @classmethod
    def _are_public_keys(cls, keys: dict[str, str]) -> dict[str, str]:
        from cryptography.exceptions import UnsupportedAlgorithm  # 9 MiB, and most policies ask for no signature
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        for name, pem in keys.items():
            try:
                load_pem_public_key(pem.encode())
            except (ValueError, UnsupportedAlgorithm) as error:
                raise ValueError(f"{name} is not a PEM public key: paste the whole of cosign.pub") from error
        return keys


class SignatureGate:
    """Is the image signed with one of the keys that this environment trusts?

    The policy gives each environment its own keys. A signature counts for one digest only and, if the policy says so,
    in one repository only.
    """

    name: ClassVar[str] = "signature"
    options: ClassVar[type[Options]] = SignatureOptions

    def __init__(self, signatures: Signatures) -> None:
        self._signatures = signatures

    async def ask(self, question: Question) -> Verdict:
        options = SignatureOptions.model_validate(question.options)
        verdicts = await asyncio.gather(*(self._verdict(move.after, options) for move in question.moves))
        return worst_image(verdicts, question.moves)

    async def _verdict(self, image: Image, options: SignatureOptions) -> Verdict:
        check = await self._signatures.check(image, options.keys, own_repository=options.repository)
        if check.state is SignatureState.SIGNED:
            return Verdict.passed(f"Signed with {check.key}", fingerprint=check.key)
        return Verdict.blocked(_told(image, check), REMEDIES[check.state])


def _told(image: Image, check: SignatureCheck) -> str:
    match check.state:
        case SignatureState.MISSING:
            return f"{image.label} is unsigned."
        case SignatureState.OTHER_KEY:
            return f"{image.label} is signed, but not with a key that is trusted here."
        case SignatureState.OTHER_DIGEST:
            return f"The signature of {image.label} is for another digest."
        case SignatureState.KEYLESS:
            return f"{image.label} is signed keyless, by an identity and a certificate, and only keys are trusted here."
        case SignatureState.OTHER_REPOSITORY:
            return f"The signature of {image.label} does not count in this repository: {check.detail}."
        case _:
            return f"The signature of {image.label} cannot be used{check.detail and f': {check.detail}'}."
