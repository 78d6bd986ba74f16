"""A token's end is known in advance (A1)."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from bot.settings import ArgoCDSettings
from integrations.argocd import ArgoCD
from integrations.argocd.token import expiry

KEY = "a key that is long enough for HS256, which nobody checks"


def token(**claims: object) -> str:
    return jwt.encode({"sub": "proj:apps:pilothouse", "jti": "1", **claims}, KEY, algorithm="HS256")


def test_the_end_is_read_also_when_it_has_passed() -> None:
    """A1."""
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    assert expiry(token(exp=int(end.timestamp()))) == end


@pytest.mark.parametrize("text", ["", "opaque", "a.b.c", token(), token(exp=0)])
def test_a_token_without_an_end_has_none(text: str) -> None:
    assert expiry(text) is None


@pytest.mark.parametrize("claim", ["soon", [1], 10**30])
def test_a_senseless_end_is_none(claim: object) -> None:
    made = jwt.api_jws.PyJWS().encode(f'{{"exp": {claim!r}}}'.replace("'", '"').encode(), KEY, algorithm="HS256")
    assert expiry(made) is None


async def test_the_client_tells_its_tokens_end() -> None:
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    settings = ArgoCDSettings(url="https://argocd.example.com", token=token(exp=int(end.timestamp())))
    async with ArgoCD(settings) as argocd:
        assert argocd.token_expires() == end
