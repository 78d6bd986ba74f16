"""The frozen facts of one promotion, and what an approval is bound to."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.age import Older
from bot.domain.application import ApplicationRef
from bot.domain.caller import Person, Target, common
from bot.domain.image import Image
from bot.domain.overlay import OverlayImage
from bot.domain.promotion.consent import ApprovalRule

STORY = 5
"""The version of the story that new plans are told by."""


class Kind(StrEnum):
    PROMOTION = "promotion"
    ROLLBACK = "rollback"


@dataclass(frozen=True)
class SourceCommit:
    """One commit of a source repository, as people read it: its subject, and who wrote it."""

    subject: str
    author: str


@dataclass(frozen=True)
class Move:
    """One `images:` entry of one overlay, from what it says now to an image."""

    app: str
    overlay: str
    """path of the kustomization file"""
    before: OverlayImage
    after: Image
    application: ApplicationRef
    revision: str = ""
    """source revision the new image was built from, "" when the registry does not know"""
    revision_before: str = ""
    source: str = ""
    """URL of the source repository"""
    tag_before: str = ""
    """what the registry calls the image that the line shows now, display-only"""
    newer: bool = False
    """whether the image was pushed after the one that the line shows now"""
    origin: str = ""
    """the environment that it comes from, where that is not the plan's `source`: the app skips that one"""
    commits: int = -1
    """how many source commits lie between the two images, -1 when that is not known"""
    digest_before: str = ""
    """what the line named when this was planned, "" when the registry did not have it"""
    behind: int = 0
    """how many source commits the image that the line shows now has, and the new one has not"""
    older: tuple[Older, ...] = ()
    """what says that the new image is older than the one that the line shows now; () where too little does"""
    newest: tuple[SourceCommit, ...] = ()
    """the newest of those commits, newest first; display-only"""
    page: str = ""
    """URL of the new image in the registry, display-only"""

    @property
    def name(self) -> str:
        return self.before.name

    @property
    def label_before(self) -> str:
        """How people call what the line shows now."""
        return self.before.tag or self.tag_before or self.before.label


@dataclass(frozen=True)
class MissingImage:
    """Of a release train: an app whose image nobody has, so it has no move. The train waits until it is left out.

    `why` is a sentence.
    """

    app: str
    label_before: str
    label: str
    why: str
    origin: str = ""
    """as of a move: the environment that its image would come from, where the app skips the plan's source"""


@dataclass(frozen=True)
class GateTerms:
    """The options that policy gave a gate for these apps, as JSON."""

    gate: str
    apps: tuple[str, ...]
    options: str


@dataclass(frozen=True)
class Plan:
    """The frozen facts of one promotion: everything that the story needs and that must not change under it."""

    id: str
    kind: Kind
    environment: str
    source: str
    """environment the images come from, "" for an image named by hand"""
    moves: tuple[Move, ...]
    requester: Person
    channel: str
    """Slack channel id where the card is posted"""
    requested_at: datetime
    gates: tuple[str, ...]
    approval: ApprovalRule
    seen_commit: str
    """head of the overlay repository when the plan was made"""
    reason: str = ""
    skipped_gates: dict[str, str] = field(default_factory=dict)
    """gate name → why policy skips it here (a rollback, a hotfix, a break-glass)"""
    break_glass: bool = False
    """quorum waived, by somebody who may; authorisation never is"""
    automatic: bool = False
    """started by Pilothouse itself: a rollback that policy asks for"""
    replaces: str = ""
    """id of the promotion that this one was issued in place of"""
    authors: tuple[str, ...] = ()
    """e-mails of the authors of the newest source commits, where policy asks for them"""
    authors_unknown: tuple[str, ...] = ()
    """apps of images whose authors nobody told: one of them may be anybody"""
    correlation_id: str = ""
    version: int = 1
    """of the story that is told of it: one that an older Pilothouse began is told as that one would have"""
    terms: tuple[GateTerms, ...] = ()
    """what policy asked of the gates when the plan was made; a gate that is not named for an app is not asked of it"""
    pull_request: bool = False
    """whether policy wanted a pull request when the plan was made"""
    branch: str = ""
    """of the pull request, if there is to be one: nobody can guess it, and so take it, beforehand"""
    missing: tuple[MissingImage, ...] = ()
    gate_timeout: timedelta | None = None
    """how long a gate may be waited for, as policy said when it was planned; None in a plan of before that was kept"""

    @property
    def apps(self) -> tuple[str, ...]:
        """Those that move, then those that cannot."""
        return tuple(dict.fromkeys([*(move.app for move in self.moves), *(one.app for one in self.missing)]))

    @property
    def about(self) -> Target:
        """Of a release train the environment alone."""
        return common(Target(app, self.environment) for app in self.apps)

    @property
    def keeps_terms(self) -> bool:
        """Whether what policy asked when it was planned is part of it."""
        return self.version > 4

    def options(self, gate: str, app: str) -> str | None:
        """What policy gave the gate for the app when the plan was made, as JSON; None where it did not name it."""
        return next((one.options for one in self.terms if one.gate == gate and app in one.apps), None)

    @property
    def facts(self) -> list[object]:
        """What an approval is bound to: target, images, the overlay lines and the commit as the approver saw them."""
        moves = [
            [m.app, m.overlay, m.name, m.before.tag, m.before.digest, m.after.repository, m.after.digest]
            for m in self.moves
        ]
        if self.version > 3:
            moves = [[*facts, m.before.repository, m.after.tag] for facts, m in zip(moves, self.moves, strict=True)]
        return [self.environment, moves] if self.version == 1 else [self.environment, moves, self.seen_commit]

    @property
    def glass_hash(self) -> str:
        """What a press that breaks the glass is bound to: the images from → to, and what is skipped.

        Not to the commit: somebody's change of another line is no reason to ask again in an emergency.
        """
        moves = [[m.app, m.overlay, m.name, *_image(m.before), *_image(m.after)] for m in self.moves]
        facts = [self.environment, sorted(map(str, moves)), sorted(self.skipped_gates)]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _image(image: Image | OverlayImage) -> tuple[str, str, str]:
    return image.repository, image.tag, image.digest
