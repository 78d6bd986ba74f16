"""What people ask of pipelines."""

from dataclasses import dataclass, field

from bot.domain.intent.base import Intent
from bot.domain.pipeline import CancelMode


@dataclass(frozen=True, kw_only=True)
class RunPipeline(Intent):
    app: str
    revision: str = ""
    params: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ListRuns(Intent):
    app: str = ""


@dataclass(frozen=True, kw_only=True)
class ShowRun(Intent):
    run: str


@dataclass(frozen=True, kw_only=True)
class RunLogs(Intent):
    run: str


@dataclass(frozen=True, kw_only=True)
class CancelRun(Intent):
    run: str
    mode: CancelMode = CancelMode.NOW


@dataclass(frozen=True, kw_only=True)
class RetryRun(Intent):
    run: str
