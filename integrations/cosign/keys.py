"""Public keys, and what they verify."""

from collections.abc import Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Signature, SSlibKey  # type: ignore[attr-defined]

from bot.domain.errors import Refused
from integrations.cosign import ed25519ph

SYSTEM = "cosign"
RSA_SCHEME = "rsa-pkcs1v15-sha256"


class Keys:
    """Raises Refused for a key that is not a PEM public key (C3); the error names it, by its name."""

    def __init__(self, pem_by_name: Mapping[str, str]) -> None:
        self._keys = {name: key(name, pem) for name, pem in pem_by_name.items()}
        self._raw = {name: raw for name, pem in pem_by_name.items() if (raw := ed25519(pem))}

    def verifying(self, signature: bytes, content: bytes) -> str:
        """The name of the key that `content` is signed by; "" for none."""
        for name, public in self._keys.items():
            try:
                public.verify_signature(Signature(public.keyid, signature.hex()), content)
            except UnverifiedSignatureError:
                continue
            return name
        # C14: cosign signs a hash of the content by such a key, other signers the content itself.
        prehashed = (name for name, raw in self._raw.items() if ed25519ph.verifies(raw, signature, content))
        return next(prehashed, "")


def ed25519(pem: str) -> bytes:
    """The key itself, where it is one of Ed25519; b"" for others."""
    public = load_pem_public_key(pem.encode())
    return public.public_bytes_raw() if isinstance(public, Ed25519PublicKey) else b""


def key(name: str, pem: str) -> SSlibKey:
    try:
        public = load_pem_public_key(pem.encode())
        return SSlibKey.from_crypto(public, scheme=RSA_SCHEME if isinstance(public, RSAPublicKey) else None)
    except (ValueError, UnsupportedAlgorithm) as error:
        detail = f"the key {name!r} cannot be used: expected a PEM public key (ECDSA P-256, RSA or Ed25519)"
        raise Refused(SYSTEM, "read the public keys", detail) from error
