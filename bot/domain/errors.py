"""Everything that can go wrong, told once.

PilothouseError
├ UserError              the sentence is for the person who asked; it is shown verbatim
│  ├ InvalidCommand      the words do not make a command
│  ├ UnknownName         no such app, environment, image, pipeline run, promotion
│  ├ NotAllowed          policy says no; says who could
│  ├ PromotionInProgress one live promotion per app and environment
│  ├ NothingToPromote    the target's overlay already pins what was asked for
│  ├ Conflict            the thing is no longer what the person saw
│  └ PolicyError         pilothouse.yaml is wrong; names the line and the fix
├ IntegrationError       (system, operation, detail): another system did not do its part
│  ├ Unavailable         a retry may help: timeout, connection, 429, 5xx
│  │  └ DatabaseAway     our own database: nothing goes on without it, so everything waits for it
│  │     ├ DatabaseSlow  not asked to write anything in time
│  │     └ DatabaseInDoubt  asked to write, and it may have
│  └ Refused             a retry will not: 401, 403, 404, 409, 422, malformed answer
│     ├ NotFound         it is not there (or hidden from us)
│     ├ UnknownRegistry  the image is in a registry that nobody has configured
│     └ HeadMoved        the branch no longer points where the writer looked
└ InvariantError         never retried, always loud
   ├ DigestMismatch      a tag or journal names another digest than the one approved
   ├ OverlayDrift        the overlay does not hold what it must
   └ PlanMismatch        a journal was written by an incompatible story
"""

from dataclasses import dataclass
from datetime import timedelta


class PilothouseError(Exception):
    """The root. Constructor arguments go positionally to `Exception`, so every error pickles back equal."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.args == getattr(other, "args", None)

    def __hash__(self) -> int:
        return hash((type(self), repr(self.args)))


class UserError(PilothouseError):
    """A person can fix this; `sentence` says what was wrong, what was expected and what to do next."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class InvalidCommand(UserError):
    """The words do not make a command."""


class UnknownName(UserError):
    """Nothing has that name; the sentence says which names are near."""


class NotAllowed(UserError):
    """Policy says no; the sentence names the rule and who could."""


class PromotionInProgress(UserError):
    """Another promotion to the same environment is live for this app."""

    def __init__(self, sentence: str, promotion_id: str) -> None:
        super().__init__(sentence)
        self.args = (sentence, promotion_id)
        self.promotion_id = promotion_id


class NothingToPromote(UserError):
    """The target's overlay already pins what was asked for."""


class Conflict(UserError):
    """What the person acted on has moved since."""


class OverlayMoved(Conflict):
    """Somebody has changed a line since people approved what it is to become: they are asked anew."""


class PolicyError(UserError):
    """pilothouse.yaml does not make a policy."""


@dataclass(frozen=True)
class Advice:
    """What people are told where a client knows the cause: one sentence on what is wrong, one on what to do."""

    sentence: str
    remedy: str


class IntegrationError(PilothouseError):
    """`system` did not do `operation`; `detail` is for the log and for administrators, never a secret.

    `advice` is there where the client can tell this cause from others.
    """

    advice: Advice | None = None

    def __init__(self, system: str, operation: str, detail: str) -> None:
        super().__init__(system, operation, detail)
        self.system = system
        self.operation = operation
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.system}: {self.operation}: {self.detail}"


class Unavailable(IntegrationError):
    """Not now: a later try may succeed. `retry_after` is what the system asked for, if it did."""

    def __init__(self, system: str, operation: str, detail: str, retry_after: timedelta | None = None) -> None:
        super().__init__(system, operation, detail)
        self.args = (system, operation, detail, retry_after)
        self.retry_after = retry_after


class DatabaseAway(Unavailable):
    """Our own database is locked, full, read-only or gone. Logged where it is noticed, and nowhere else."""

    def __init__(self, operation: str, detail: str) -> None:
        super().__init__("the database", operation, detail)
        self.args = (operation, detail)


class DatabaseSlow(DatabaseAway):
    """It has not answered in time: it may be away, or only slow. It was not asked to write anything."""


class DatabaseInDoubt(DatabaseAway):
    """It was asked to write, and did not say whether it has: it may have."""


class Refused(IntegrationError):
    """No, and a retry will not change that."""


class NotFound(Refused):
    """It is not there, or hidden from this account."""


class UnknownRegistry(Refused):
    """The image is in a registry that nobody has configured: nothing that is known elsewhere speaks for it."""

    def __init__(self, system: str, operation: str, detail: str) -> None:
        super().__init__(system, operation, detail)
        self.advice = Advice(
            detail, "Use an image of the registry that Pilothouse asks, or name its host in PILOTHOUSE_HARBOR__HOSTS."
        )


class HeadMoved(Refused):
    """The branch no longer points to the expected commit: read again, re-apply, try again."""


class InvariantError(PilothouseError):
    """Something that must always hold does not. Never retried."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)


class DigestMismatch(InvariantError):
    """The bytes are not those that were approved."""


class OverlayDrift(InvariantError):
    """The overlay does not hold what it must."""


class PlanMismatch(InvariantError):
    """A journal was written by a story that this one cannot continue."""
