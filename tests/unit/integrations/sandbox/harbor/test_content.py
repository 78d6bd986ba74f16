import hashlib
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from integrations.sandbox.clock import Clock
from integrations.sandbox.harbor import HarborServer, content, signatures
from integrations.sandbox.harbor.vulnerabilities import usual

SOURCE = "https://git.example.com/my-app"


def test_the_same_arguments_make_the_same_image() -> None:
    first = content.image("apps/my-app", "abc", SOURCE, "2026-01-01T00:00:00Z")
    again = content.image("apps/my-app", "abc", SOURCE, "2026-01-01T00:00:00Z")
    other = content.image("apps/my-app", "abd", SOURCE, "2026-01-01T00:00:00Z")
    assert first.digest == again.digest == "sha256:" + hashlib.sha256(first.data).hexdigest()
    assert other.digest != first.digest


def test_a_second_signature_adds_a_layer_and_keeps_the_first() -> None:
    """C1."""
    key, digest = ec.generate_private_key(ec.SECP256R1()), "sha256:" + "1" * 64
    first = signatures.legacy("host/apps/my-app", digest, key)
    second = signatures.legacy("host/apps/my-app", digest, key, first)
    assert second.document["layers"][0] == first.document["layers"][0]
    assert len(second.document["layers"]) == 2


def test_findings_follow_from_the_digest() -> None:
    assert usual("sha256:1") == usual("sha256:1")
    assert {v.severity for n in range(20) for v in usual(f"sha256:{n}")} == {"Low", "Medium"}


async def test_a_tag_moves_to_what_is_pushed_last() -> None:
    server = HarborServer(Clock(), {})
    server.add_project("apps")
    old = server.push(
        "apps/my-app", ["v1", "latest"], "1", SOURCE, scan="done", pushed_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    new = server.push("harbor.example.com/apps/my-app", ["v2", "latest"], "2", SOURCE, scan="never")
    assert [(row["digest"], row["tags"], row["scan"], row["signed"]) for row in server.snapshot()] == [
        (new, ["v2", "latest"], "NotScanned", False),
        (old, ["v1"], "Success", False),
    ]
    server.sign("apps/my-app", new, ec.generate_private_key(ec.SECP256R1()))
    assert server.snapshot()[0]["signed"]
    await server.close()


def test_a_push_needs_its_project() -> None:
    with pytest.raises(ValueError, match="there is no project 'nowhere'"):
        HarborServer(Clock(), {}).push("nowhere/app", ["v1"], "1", SOURCE)


def test_secrets_stay_out_of_what_is_printed() -> None:
    server = HarborServer(Clock(), {"robot$ci": "canary"})
    assert "canary" not in repr(server.accounts.robots)
