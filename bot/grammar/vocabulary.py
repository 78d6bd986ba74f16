"""What words can mean: the apps and environments that exist."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from bot.domain.environment import Environment


@dataclass(frozen=True)
class Meaning:
    """What one word can stand for; both, when an app is named like an environment."""

    app: str = ""
    environment: str = ""

    def __bool__(self) -> bool:
        return bool(self.app or self.environment)


@dataclass(frozen=True)
class Vocabulary:
    """The names that are known at this moment."""

    apps: tuple[str, ...] = ()
    environments: tuple[Environment, ...] = ()

    @cached_property
    def _apps(self) -> Mapping[str, str]:
        return _by_spelling(self.apps)

    def app(self, word: str) -> str:
        """The app that the word names, or ""."""
        return self._apps.get(word) or self._apps.get(word.casefold(), "")

    def environment(self, word: str) -> str:
        """The environment that the word names or is an alias of, or ""."""
        return next((env.name for env in self.environments if env.answers_to(word)), "")

    def meaning(self, word: str) -> Meaning:
        """`app:dev` and `env:dev` say which is meant; a bare word may mean either."""
        kind, colon, rest = word.partition(":")
        if colon and kind.lower() == "app":
            return Meaning(app=self.app(rest))
        if colon and kind.lower() == "env":
            return Meaning(environment=self.environment(rest))
        return Meaning(self.app(word), self.environment(word))

    @property
    def environment_words(self) -> tuple[str, ...]:
        return tuple(word for env in self.environments for word in (env.name, *env.aliases))


@lru_cache(8)
def _by_spelling(apps: tuple[str, ...]) -> Mapping[str, str]:
    """Each command has a vocabulary of its own, of the same ten thousand apps."""
    return {app.casefold(): app for app in apps} | {app: app for app in apps}
