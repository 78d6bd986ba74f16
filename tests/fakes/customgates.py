"""Custom gate endpoints in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.domain.errors import Unavailable
from bot.ports import CustomQuestion

Answer = Callable[[CustomQuestion], tuple[bool, str]]


@dataclass
class MemoryCustomGates:
    """`answers`: by URL, what the endpoint says to a question; a URL that nobody serves is unavailable."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[CustomQuestion] = field(default_factory=list)

    async def ask(self, question: CustomQuestion) -> tuple[bool, str]:
        self.asked.append(question)
        if question.url not in self.answers:
            raise Unavailable("custom gate", "ask", "no connection")
        return self.answers[question.url](question)
