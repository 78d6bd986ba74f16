"""RFC 8032's own vector, and whatever else comes."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from integrations.cosign import ed25519ph

PUBLIC = bytes.fromhex("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf")
SIGNATURE = bytes.fromhex(
    "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
    "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
)


def test_the_vector_of_the_standard() -> None:
    """C14; RFC 8032, 7.3."""
    assert ed25519ph.verifies(PUBLIC, SIGNATURE, b"abc")
    assert not ed25519ph.verifies(PUBLIC, SIGNATURE, b"abd")


@given(st.integers(0, 511), st.sampled_from(["signature", "key"]))
def test_no_flipped_bit_verifies(bit: int, where: str) -> None:
    if where == "signature":
        flipped = (int.from_bytes(SIGNATURE, "big") ^ 1 << bit).to_bytes(64, "big")
        assert not ed25519ph.verifies(PUBLIC, flipped, b"abc")
    else:
        other = (int.from_bytes(PUBLIC, "big") ^ 1 << bit % 256).to_bytes(32, "big")
        assert not ed25519ph.verifies(other, SIGNATURE, b"abc")


def test_the_same_signature_in_another_form_does_not_verify() -> None:
    """Its second half plus the order of the group would satisfy the equation too."""
    s = int.from_bytes(SIGNATURE[32:], "little") + ed25519ph.ORDER
    assert not ed25519ph.verifies(PUBLIC, SIGNATURE[:32] + s.to_bytes(32, "little"), b"abc")


def test_a_signature_of_the_content_itself_is_another_scheme() -> None:
    key = Ed25519PrivateKey.generate()
    assert not ed25519ph.verifies(key.public_key().public_bytes_raw(), key.sign(b"abc"), b"abc")


@pytest.mark.parametrize("public", [b"", b"\xff" * 32, bytes(31), (2**255 - 19).to_bytes(32, "little")])
def test_a_key_that_is_no_point_verifies_nothing(public: bytes) -> None:
    assert not ed25519ph.verifies(public, SIGNATURE, b"abc")


@given(st.binary(max_size=40), st.binary(max_size=70), st.binary(max_size=10))
def test_whatever_comes_is_a_no(public: bytes, signature: bytes, content: bytes) -> None:
    assert not ed25519ph.verifies(public, signature, content)
