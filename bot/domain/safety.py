"""What holds promotions back: locks, freezes, rejected images; the policy's windows. And who speaks for whom."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.caller import Person


@dataclass(frozen=True)
class Lock:
    """One app in one environment is held; `app` "" holds every app there.

    `automatic`: set by a rollback, against whatever would undo it; "" as the owner's id then.
    """

    app: str
    environment: str
    owner: Person
    reason: str
    since: datetime
    expires_at: datetime | None = None
    automatic: bool = False

    def covers(self, app: str, environment: str) -> bool:
        return environment == self.environment and self.app in ("", app)

    def lasts(self, now: datetime) -> bool:
        """An expired lock holds nothing, cleared away or not."""
        return self.expires_at is None or self.expires_at > now


@dataclass(frozen=True)
class Freeze:
    """An environment changes for nobody until `until`, but for the exempt; `app` "" is every app."""

    id: str
    environment: str
    by: Person
    reason: str
    since: datetime
    until: datetime
    app: str = ""
    exempt_apps: tuple[str, ...] = ()

    def covers(self, app: str, environment: str) -> bool:
        named = self.app in ("", app) and app not in self.exempt_apps
        return environment == self.environment and named

    def lasts(self, now: datetime) -> bool:
        """An expired freeze holds nothing, cleared away or not."""
        return self.until > now


@dataclass(frozen=True)
class ClosedWindow:
    """The policy's own windows let nobody change an environment now, but for the exempt; `app` "" is every app.

    `denied`: in a window that denies changes; else outside those that allow them. `opens`: None when no opening is in
    sight.
    """

    environment: str
    reason: str
    opens: datetime | None
    app: str = ""
    denied: bool = True
    exempt_apps: tuple[str, ...] = ()
    exempt_roles: tuple[str, ...] = ()

    def covers(self, app: str, environment: str) -> bool:
        return environment == self.environment and self.app in ("", app) and app not in self.exempt_apps


@dataclass(frozen=True)
class Rejection:
    """This image is rejected, whatever it is called: `app` and `tag` only say how it was named then."""

    app: str
    digest: str
    tag: str
    by: Person
    reason: str
    at: datetime
    parts: tuple[str, ...] | None = None
    """what the image consists of beside its own digest (ports.ImageContents); None where nobody looked"""

    @property
    def contents(self) -> frozenset[str]:
        return frozenset((self.digest, *(self.parts or ())))

    @property
    def names_files(self) -> bool:
        """Whether it says what the files are: an older Pilothouse did not look."""
        return any(part.startswith("files:") for part in self.parts or ())

    @property
    def label(self) -> str:
        return f"{self.app}@{self.tag or self.digest}"


@dataclass(frozen=True)
class Delegation:
    """While away, somebody else's approvals count as this person's would: same roles, never more."""

    absent: Person
    delegate: Person
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Review:
    """The second look that a break-glass owes; closed by somebody else than who broke the glass."""

    promotion_id: str
    apps: tuple[str, ...]
    environment: str
    by: Person
    reason: str
    opened_at: datetime
    closed_by: Person | None = None
    closed_at: datetime | None = None
    note: str = ""
    against: tuple[str, ...] = ()
    """what the skipped gates would have said no to"""


@dataclass(frozen=True)
class HeldThen:
    """A lock or a freeze that held a place when somebody changed it past Pilothouse.

    `app` "" held every app there. `by`: the person's name; "" for the policy's own windows.
    """

    frozen: bool
    by: str
    app: str = ""
    reason: str = ""
