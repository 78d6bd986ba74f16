"""Pipeline runs."""

from dataclasses import dataclass

from bot.domain.pipeline import PipelineRun, StepLog
from bot.domain.reply.base import Reply


@dataclass(frozen=True)
class RunList(Reply):
    app: str
    runs: tuple[PipelineRun, ...]


@dataclass(frozen=True)
class RunDetail(Reply):
    """`failure` is one sentence on why it failed, with the failed step's last lines in `log`."""

    run: PipelineRun
    failure: str = ""
    log: StepLog | None = None
    note: str = ""
    """a sentence above it: "Started", "Cancelled" """
    held: str = ""
    """why the pipeline does not write the overlay, or writes it in spite of a lock"""
    followed: bool = False
    """a message in the conversation shows all of this, and follows the run to its end"""


@dataclass(frozen=True)
class RunLog(Reply):
    """`most`: how many lines of each step were asked for; 0 when nobody said."""

    run: PipelineRun
    logs: tuple[StepLog, ...]
    most: int = 0
