"""What pipelines print is shown without the secrets in it, and with everything else."""

import base64
import json
import time
from urllib.parse import quote

import pytest

from bot.domain.pipeline import StepLog
from bot.runtime.redaction import Redactor

KEY = ("-----BEGIN RSA PRIVATE KEY-----", "MIIEowIBAAKCAQEA7bq", "q1w2e3r4t5==", "-----END RSA PRIVATE KEY-----")


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("cloning with ghp_" + "a1B2" * 9, "cloning with [secret]"),
        ("ghs_" + "a1B2" * 9 + " expires soon", "[secret] expires soon"),
        ("github_pat_11AAAAAAA0" + "b" * 30, "[secret]"),
        ("slack: xoxb-123456789012-abcdefGHIJ", "slack: [secret]"),
        ("xapp-1-A0PILOT-123-abcdef", "[secret]"),
        ("key AKIAIOSFODNN7EXAMPLE used", "key [secret] used"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key = [secret]"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [secret]"),
        ('-H "Authorization: Basic dXNlcjpwYXNz"', '-H "Authorization: Basic [secret]"'),
        ("authorization: 12345", "authorization: [secret]"),
        ("password=hunter2 user=ana", "password=[secret] user=ana"),
        ('DB_PASSWORD: "hunter 2"', 'DB_PASSWORD: "[secret]"'),
        ("{'api_key': 'abc123'}", "{'api_key': '[secret]'}"),
        ("npm --token s3cr3t publish", "npm --token [secret] publish"),
        ("git push https://ana:hunter2@git.example.com/x", "git push https://ana:[secret]@git.example.com/x"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "jwt [secret]"),
    ],
)
def test_credentials_are_blanked_out(printed: str, shown: str) -> None:
    assert Redactor().text(printed) == shown


@pytest.mark.parametrize(
    "printed",
    [
        "Step 3/9 : RUN pip install -r requirements.txt",
        "pushed harbor.example.com/apps/my-app@sha256:" + "a" * 64,
        "the password is checked by the server",
        "token=$TOKEN password=${PASSWORD} use_token=true",
        "FAILED tests/test_secrets.py::test_token - AssertionError",
        "https://git.example.com/acme/my-app/compare/a...b",
        "basic usage of the library",
        "    indented = kept",
    ],
)
def test_what_is_no_secret_stays(printed: str) -> None:
    assert Redactor().text(printed) == printed


def test_what_the_bot_itself_holds_is_never_shown_whatever_it_looks_like() -> None:
    redactor = Redactor(lambda: ["plain-words", "plain-words-and-more"])
    assert redactor.text("say plain-words-and-more, or plain-words") == "say [secret], or [secret]"


def test_a_key_goes_over_several_lines() -> None:
    log = Redactor().log(StepLog("deploy", "ssh", ("before", *KEY, "after")))
    assert log.lines == ("before", "[secret]", "after")


def test_a_key_whose_beginning_or_end_is_cut_off() -> None:
    assert Redactor().log(StepLog("deploy", "ssh", (*KEY[1:], "after"))).lines == ("[secret]", "after")
    assert Redactor().log(StepLog("deploy", "ssh", ("before", *KEY[:-1]))).lines == ("before", "[secret]")


def test_lines_and_their_indentation_stay() -> None:
    log = StepLog("test", "unit", ("  one", "", "    two"))
    assert Redactor().logs([log, StepLog("test", "quiet", ())]) == (log, StepLog("test", "quiet", ()))


@pytest.mark.parametrize("before", ["", "x", "bo", "x-access-token:"])
@pytest.mark.parametrize("behind", ["", "y", " and more"])
def test_what_the_bot_holds_is_recognised_in_base64_wherever_it_stands(before: str, behind: str) -> None:
    secret = "c4nary/of+the?sandbox~"
    encoded = base64.b64encode(f"{before}{secret}{behind}".encode()).decode()
    shown = Redactor(lambda: [secret]).text(f"X-Auth: {encoded}")
    left = shown.removeprefix("X-Auth: ").replace("[secret]", "")
    assert "[secret]" in shown
    assert len(left) <= 4 * (len(before + behind) // 3 + 2)  # what was around it, and digits that are half of either


def test_what_the_bot_holds_is_recognised_in_urls_and_in_json() -> None:
    secret = 'c4nary of "quotes" & slashes/'
    redactor = Redactor(lambda: [secret])
    assert redactor.text(f"GET /x?t={quote(secret, safe='')}&y=1") == "GET /x?t=[secret]&y=1"
    assert redactor.text(f"said {json.dumps(secret)}") == 'said "[secret]"'


@pytest.mark.parametrize(
    "printed",
    ["a", "a.", "a+", "eyJ-", "a://", "token", "token=", "secret-", "password ", "authorization ", "https://"],
)
def test_ten_times_as_much_without_a_line_break_takes_about_ten_times_as_long(printed: str) -> None:
    """A pipeline that prints a file in base64 must not stop the bot: it took minutes for twenty kilobytes."""

    def seconds(length: int) -> float:
        text = printed * (length // len(printed))
        begun = time.process_time()
        Redactor().text(text)
        return time.process_time() - begun

    assert seconds(40_000) < 40 * max(seconds(4_000), 0.003)
