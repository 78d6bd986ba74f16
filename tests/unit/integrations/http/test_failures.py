"""What an error answer says, in one line, and how long it asks to wait."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import IntegrationError, Refused, Unavailable
from integrations.http.answer import Answer
from integrations.http.failures import from_status, retry_after


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer("system", "read", status, httpx.Headers({k.replace("_", "-"): v for k, v in headers.items()}), body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error":"a","code":7,"message":"permission denied"}', "HTTP 403: permission denied"),
        (b'{"errors":[{"code":"X","message":"one"},{"message":"two"}]}', "HTTP 403: one; two"),
        (b"Invalid content type\n", "HTTP 403: Invalid content type"),
        (b"<!DOCTYPE html><h1>Sign in</h1>", "HTTP 403"),
        (b'{"message": 3}', "HTTP 403"),
        (b"", "HTTP 403"),
    ],
)
def test_an_error_body_is_told_in_one_line(body: bytes, words: str) -> None:
    assert from_status(answer(403, body)).detail == words


def test_a_long_error_body_is_cut() -> None:
    assert len(from_status(answer(400, b"x" * 100_000)).detail) < 400


@pytest.mark.parametrize("value", ["soon", "-1", "", "Mon, 99 Foo 2026", "1.5"])
def test_a_senseless_time_to_wait_is_none(value: str) -> None:
    assert retry_after(httpx.Headers({"retry-after": value})) is None


def test_a_time_to_wait_may_be_a_date() -> None:
    at = datetime.now(UTC) + timedelta(minutes=5)
    asked = retry_after(httpx.Headers({"retry-after": format_datetime(at, usegmt=True)}))
    assert asked is not None
    assert timedelta(minutes=4, seconds=55) < asked <= timedelta(minutes=5)


@given(st.integers(300, 599), st.binary(max_size=300), st.text(st.characters(codec="ascii", exclude_categories=["C"])))
def test_any_error_answer_becomes_an_error_of_ours(status: int, body: bytes, wait: str) -> None:
    error = from_status(answer(status, body, retry_after=wait))
    assert isinstance(error, IntegrationError)
    assert isinstance(error, Unavailable | Refused)
    assert "\n" not in str(error)
