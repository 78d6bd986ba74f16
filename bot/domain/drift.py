"""Where the cluster differs from git, resource by resource and field by field."""

from dataclasses import dataclass
from datetime import datetime

ABSENT = "(absent)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place in a resource; `live` and `target` are what the cluster has and what git says there, as text.

    `manager` is who wrote the live value last, as Kubernetes calls them, and `at` when (UTC); "" and None where it does
    not tell.
    """

    path: str
    live: str
    target: str
    manager: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """A managed resource that is not as git says. No differences: it is missing, or it should not be there."""

    kind: str
    name: str
    namespace: str
    missing: bool = False
    surplus: bool = False
    differences: tuple[Difference, ...] = ()
