"""What the whole test run takes for a secret, and what not."""

from pathlib import Path

import pytest

from tests.canary import CANARY, leaks, silent

BODY = "MIIEowIBAAKCAQEA7bq"


@pytest.mark.parametrize(
    "text",
    [
        f"token={CANARY}-git",
        "Bearer xoxb-123456789012-abc",
        "remote: ghs_101_abcdefgh.ijkl",
        "ghp_" + "a1B2" * 9,
        "github_pat_11AAAAAAA0_bbb",
        f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\r\n{BODY}",
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{BODY}",
        rf'{{"event": "-----BEGIN EC PRIVATE KEY-----\n{BODY}\n"}}',
    ],
)
def test_a_secret_sings(text: str) -> None:
    assert leaks(f"before {text}")


@pytest.mark.parametrize(
    "text",
    ["a token of GitHub begins with ghs_", "-----BEGIN PRIVATE KEY-----", f"-----BEGIN CERTIFICATE-----\n{BODY}"],
)
def test_what_only_looks_like_one_does_not(text: str) -> None:
    assert leaks(text) == []


def test_a_log_file_with_a_secret_fails_and_is_named(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.log", tmp_path / "bad.log"
    good.write_text("nothing\n")
    bad.write_bytes(b"\xff\xfe ghs_101_abcdefgh.ijkl\n")
    silent(good)
    with pytest.raises(AssertionError, match=r"bad\.log shows a secret: .*ghs_101"):
        silent(good, bad)
