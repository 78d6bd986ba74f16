"""What is told about a promotion."""

from enum import StrEnum


class Event(StrEnum):
    """The words that routes in `pilothouse.yaml` use; `failed` covers Failed and Errored."""

    STARTED = "started"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    ABORTED = "aborted"

    @property
    def final(self) -> bool:
        return self in (Event.DONE, Event.FAILED, Event.ABORTED)
