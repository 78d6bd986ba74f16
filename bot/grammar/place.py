"""Where: which of the words are apps, and which are environments."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.grammar.vocabulary import Vocabulary


@dataclass(frozen=True)
class Place:
    """What was named. `app` and `environment` are the first of each, or ""."""

    apps: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    image: str = ""

    def __bool__(self) -> bool:
        return bool(self.apps or self.environments or self.image)

    @property
    def app(self) -> str:
        return self.apps[0] if self.apps else ""

    @property
    def environment(self) -> str:
        return self.environments[0] if self.environments else ""


@dataclass(frozen=True)
class Slots:
    """How many of each a command takes."""

    apps: int = 1
    environments: int = 1


def assign(words: Sequence[str], vocabulary: Vocabulary, slots: Slots) -> tuple[Place, tuple[str, ...]]:
    """The place that the words name in any order, and the words that fit nowhere.

    A word that names both an app and an environment is the app as long as no other word is, then the environment;
    `app:` and `env:` decide it outright.
    """
    apps: dict[int, str] = {}
    environments: dict[int, str] = {}
    meanings = [vocabulary.meaning(word) for word in words]
    for index, meaning in enumerate(meanings):
        if meaning.app and not meaning.environment and len(apps) < slots.apps:
            apps[index] = meaning.app
        elif meaning.environment and not meaning.app and len(environments) < slots.environments:
            environments[index] = meaning.environment
    for index, meaning in enumerate(meanings):
        if not (meaning.app and meaning.environment):
            continue
        if not apps or (environments and len(apps) < slots.apps):
            apps[index] = meaning.app
        elif len(environments) < slots.environments:
            environments[index] = meaning.environment
    left = tuple(word for index, word in enumerate(words) if index not in apps and index not in environments)
    return Place(_in_order(apps), _in_order(environments)), left


def _in_order(found: dict[int, str]) -> tuple[str, ...]:
    return tuple(name for _, name in sorted(found.items()))
