"""What every intent has: where it came from, and which request it was."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Context:
    """Where and under which request an intent came.

    `request_id` is derived from Slack's own id of the request (trigger, action or event), so that a repeated delivery
    is recognised. `correlation_id` goes through every log line up to the git commit. `again`: a process has begun with
    it and did not come to its end, so its effect may be there.
    """

    request_id: str
    channel: str
    correlation_id: str
    team: str = ""
    again: bool = False


@dataclass(frozen=True, kw_only=True)
class Intent:
    context: Context


@dataclass(frozen=True, kw_only=True)
class Help(Intent):
    """`/pilothouse help [verb]`, or `help` behind any command."""

    verb: str = ""


@dataclass(frozen=True, kw_only=True)
class Pick(Intent):
    """A bare command: open the picker, with what is known already filled in."""

    verb: str
    app: str = ""
    environment: str = ""
