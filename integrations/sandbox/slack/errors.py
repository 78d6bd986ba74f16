"""What goes wrong: for the app as Slack's error codes, for the person as a sentence.

Exception
├ SlackError          the Web API answers {"ok": false, "error": code} with status 200 (S1)
│ └ RateLimitedError  status 429 with Retry-After (S2)
└ PersonError         a ValueError: the person asks for what Slack's client would not let them do
"""

from collections.abc import Sequence
from typing import Any


class SlackError(Exception):
    """A Web API method refuses. `code` is Slack's own word, `messages` the details of `response_metadata`."""

    def __init__(self, code: str, messages: Sequence[str] = (), **extra: Any) -> None:
        super().__init__(code, tuple(messages))
        self.code = code
        self.messages = tuple(messages)
        self.extra = extra

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"ok": False, "error": self.code, **self.extra}
        if self.messages:
            body["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in self.messages]}
        return body


class RateLimitedError(SlackError):
    """Too many calls; `retry_after` is in whole seconds (S2)."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("ratelimited")
        self.retry_after = retry_after


class PersonError(ValueError):
    """The person asks for what is not there, or what they cannot see or do. The text is a sentence for them."""
