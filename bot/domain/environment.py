"""Environments, in promotion order."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    """`order` 0 is where images first arrive; images are promoted from one order to the next."""

    name: str
    order: int
    aliases: tuple[str, ...] = ()

    def answers_to(self, word: str) -> bool:
        return word.lower() in (self.name, *self.aliases)
