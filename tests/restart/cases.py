"""What is promoted in the restart tests, and where each promotion is when its process is killed."""

from dataclasses import dataclass
from itertools import product

HARBOR = "harbor.example.com/apps"
TEAM = "T0PILOT"

STORIES: dict[str, tuple[str, ...]] = {
    "promotion": ("announce", "gates#1", "ask-people#1", "judge#1", "confirm#2", "commit", "follow", "conclude"),
    "train": ("announce", "gates#1", "ask-people#1", "judge#1", "confirm#2", "commit", "follow", "conclude"),
    "rollback": ("announce", "gates#1", "ask-people#1", "judge#1", "confirm#2", "commit", "follow", "conclude"),
    "pull-request": (
        "announce", "gates#1", "ask-people#1", "judge#1", "confirm#2", "open-pull-request", "pull-request#1", "merged",
        "follow", "conclude",
    ),
    "break-glass": ("announce", "gates#1", "confirm#2", "commit", "follow", "conclude"),
    "watched": (
        "announce", "gates#1", "ask-people#1", "judge#1", "confirm#2", "commit", "follow", "watch", "conclude",
    ),
    "automatic-rollback": (
        "announce", "gates#1", "ask-people#1", "judge#1", "confirm#2", "commit", "follow", "successor", "conclude",
    ),
}  # fmt: skip
"""Every durable step with an effect, in order, as the journal names them."""

LIKE_A_PROMOTION = {
    "watched": ("announce", "gates#1", "ask-people#1", "judge#1", "confirm#2", "commit", "follow", "conclude"),
    "automatic-rollback": ("announce", "gates#1", "ask-people#1", "judge#1", "confirm#2", "commit"),
}
"""Steps that are killed in the story `promotion` already, and are the same code there."""

WITHIN: dict[str, tuple[str, ...]] = {
    "promotion": ("announce>post", "commit>push"),
    "train": ("commit>push",),
    "rollback": ("commit>push",),
    "break-glass": ("commit>push",),
    "pull-request": ("open-pull-request>open", "pull-request#1>merge"),
}
"""Effects outside of the database within a step: the process dies when the other system has done it, and before the
step has written that down."""

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True)
class Case:
    """One promotion of one app (a train: of two). `hold` is "" or where it stands when the process is killed."""

    story: str
    hold: str = ""
    votes: int = 1
    """that it needs"""

    @property
    def app(self) -> str:
        words = f"{self.story}-{self.hold}" if self.hold else f"{self.story}-calm"
        return "".join(c if c.isalnum() else "-" for c in words)

    @property
    def apps(self) -> tuple[str, ...]:
        return (f"{self.app}-a", f"{self.app}-b") if self.story == "train" else (self.app,)

    @property
    def step(self) -> str:
        return self.hold.partition(":")[2]

    @property
    def when(self) -> str:
        return self.hold.partition(":")[0]


def cases(*stories: str) -> tuple[Case, ...]:
    """For each story one that nobody disturbs, and one for each place at which the process is killed."""
    found: list[Case] = []
    for story in stories:
        steps = [step for step in STORIES[story] if step not in LIKE_A_PROMOTION.get(story, ())]
        found.append(Case(story))
        found += [Case(story, f"{when}:{step}") for step, when in product(steps, (BEFORE, AFTER))]
        found += [Case(story, f"{AFTER}:{effect}") for effect in WITHIN.get(story, ())]
    return tuple(found)


def named(app: str) -> str:
    """The story that an app is for."""
    return next(story for story in sorted(STORIES, key=len, reverse=True) if app.startswith(story))


def overlay(app: str, environment: str) -> str:
    return f"apps/{app}/overlays/{environment}/kustomization.yaml"


def kustomization(app: str, tag: str) -> bytes:
    return f"resources: [../../base]\nimages:\n- name: {HARBOR}/{app}\n  newTag: {tag} # ours\n".encode()


def seed(wanted: tuple[Case, ...]) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The first commit and the second: production ran v1.4.0 and runs v1.4.1, staging runs v1.4.2."""
    apps = [app for case in wanted for app in case.apps]
    first = {overlay(app, "production"): kustomization(app, "v1.4.0") for app in apps}
    second = {overlay(app, "production"): kustomization(app, "v1.4.1") for app in apps}
    return first, second | {overlay(app, "staging"): kustomization(app, "v1.4.2") for app in apps}


def policy(wanted: tuple[Case, ...]) -> str:
    own = {
        "pull-request": "{mode: pull-request}",
        "watched": "{rollback: {automatic: 1s}}",
        "automatic-rollback": "{rollback: {automatic: 10m}}",
    }
    rules = {case: f"{{approval: {{count: {case.votes}}}}}" for case in wanted if case.votes > 1}
    rules |= {case: own[case.story] for case in wanted if case.story in own}
    refined = [
        f"  {app}: {{environments: {{production: {rule}}}}}" for case, rule in rules.items() for app in case.apps
    ]
    return "\n".join(
        [
            "channels: {default: C0DEPLOY, direct_messages: false}",
            # Nobody comes too late, not even to a journal that was recorded years ago.
            "environments:",
            "  - name: development",
            "  - name: staging",
            "  - {name: production, approval: {expires: 520w}}",
            "bindings:",
            "  - {role: engineer, groups: [engineers]}",
            "  - {role: release-manager, groups: [release-managers]}",
            "  - {role: admin, groups: [platform-admins]}",
            *(["apps:", *refined] if refined else []),
        ]
    )
