"""Who wants to be told when the gates of a promotion hold."""

from typing import Protocol

from bot.domain.caller import Person


class Subscribers(Protocol):
    async def add(self, promotion: str, person: Person) -> None:
        """They are told once; asking twice is asking once."""
        ...
