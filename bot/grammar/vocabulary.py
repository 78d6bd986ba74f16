"""What words can mean: the apps and environments that exist."""

from dataclasses import dataclass
from functools import cached_property

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
    def _apps(self) -> dict[str, str]:
        return {app.casefold(): app for app in self.apps} | {app: app for app in self.apps}

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
