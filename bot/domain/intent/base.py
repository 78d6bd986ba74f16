"""What every intent has: where it came from, and which request it was."""

from dataclasses import dataclass, field

LATE_SECONDS = 10.0
"""after which an answer says when it was asked for, and a typed yes is shown what it would be for"""


@dataclass(frozen=True)
class Context:
    """Where and under which request an intent came.

    `request_id` is derived from Slack's own id of the request (trigger, action or event), so that a repeated delivery
    is recognised. `correlation_id` goes through every log line up to the git commit. `again`: a process has begun with
    it and did not come to its end, so its effect may be there. `age`: seconds between the words and the work on them.
    """

    request_id: str
    channel: str
    correlation_id: str
    team: str = ""
    again: bool = False
    age: float = field(default=0.0, compare=False)

    @property
    def late(self) -> bool:
        """Whether what its asker had before their eyes may have changed meanwhile."""
        return self.age > LATE_SECONDS


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
