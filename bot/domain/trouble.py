"""What went wrong where nothing was deployed: an app fell ill, or the cluster no longer was as git says."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TroubleKind(StrEnum):
    ILL = "ill"
    DRIFT = "drift"
    """changed in the cluster, without a commit"""
    NOT_COMPARED = "not compared"
    """Argo CD could not say whether the cluster is as git says"""


@dataclass(frozen=True)
class Trouble:
    """From `at` until `over_at` (UTC), which is None while it lasts.

    `what`: the status of an illness, as Argo CD calls it; `resources` are those to blame, or those that differ;
    `message` is what Argo CD says of it.
    """

    app: str
    environment: str
    kind: TroubleKind
    at: datetime
    over_at: datetime | None = None
    what: str = ""
    resources: tuple[str, ...] = ()
    message: str = ""
