"""What Slack sends to the app, and what comes back within three seconds (S10)."""

from dataclasses import dataclass
from typing import Literal, Protocol

from integrations.sandbox.slack.model import Json

ACK_SECONDS = 3.0

Kind = Literal["slash_commands", "interactive", "events_api"]
Failure = Literal["", "operation_timeout", "dispatch_failed"]


@dataclass(frozen=True)
class SlackDelivery:
    """`wants_reply`: the acknowledgement may carry a payload. The retry fields are for events alone (S11)."""

    kind: Kind
    payload: Json
    wants_reply: bool = False
    retry_attempt: int = 0
    retry_reason: str = ""


@dataclass(frozen=True)
class Answer:
    """`error` is the word that a person sees, `reason` the one that a redelivery carries."""

    acked: bool
    payload: Json | None = None
    error: Failure = ""
    reason: str = ""
    no_retry: bool = False


class Transport(Protocol):
    """Socket Mode or HTTP mode."""

    async def deliver(self, delivery: SlackDelivery) -> Answer: ...
