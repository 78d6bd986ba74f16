"""Signed by a key that this environment trusts, or not."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError

from bot.domain.promotion import VerdictState
from bot.domain.signature import SignatureCheck, SignatureState
from bot.gates.signature import SignatureGate, SignatureOptions
from tests.fakes.signatures import MemorySignatures
from tests.sentences import says
from tests.unit.bot.gates.gate_harness import GateHarness


def public_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


async def test_a_signature_by_a_trusted_key_passes_and_names_it() -> None:
    harness, signatures, key = GateHarness(), MemorySignatures(), public_key()
    signatures.sign(await harness.image("v1.4.2"), key)
    verdict = await SignatureGate(signatures).ask(
        await harness.question(options={"keys": {"old": public_key(), "ci": key}})
    )
    assert (verdict.state, verdict.reason, verdict.fingerprint) == (VerdictState.PASSED, "Signed with ci", "ci")


async def test_an_unsigned_image_and_a_strange_key_are_two_answers_with_a_remedy_each() -> None:
    harness, signatures, key = GateHarness(), MemorySignatures(), public_key()
    ask = await harness.question(options={"keys": {"ci": key}})
    unsigned = await SignatureGate(signatures).ask(ask)
    assert (unsigned.state, unsigned.reason) == (VerdictState.BLOCKED, "v1.4.2 is unsigned.")
    assert "cosign sign" in unsigned.remedy
    signatures.sign(await harness.image("v1.4.2"), public_key())
    strange = await SignatureGate(signatures).ask(ask)
    assert says(strange.reason, "v1.4.2 is signed", "not with a key", "trusted")
    assert says(strange.remedy, "key", "policy")


@pytest.mark.parametrize("state", [s for s in SignatureState if s is not SignatureState.SIGNED])
async def test_nothing_but_signed_is_a_pass(state: SignatureState) -> None:
    class Says(MemorySignatures):
        async def check(self, *_: object, **__: object) -> SignatureCheck:
            return SignatureCheck(state)

    verdict = await SignatureGate(Says()).ask(await GateHarness().question(options={"keys": {"ci": public_key()}}))
    assert verdict.state is VerdictState.BLOCKED
    assert verdict.reason.endswith(".")
    assert verdict.remedy


@pytest.mark.parametrize(
    "keys", [{}, {"ci": "not a key"}, {"ci": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"}]
)
def test_a_policy_with_something_else_than_public_keys_is_refused(keys: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="keys"):
        SignatureOptions.model_validate({"keys": keys})
