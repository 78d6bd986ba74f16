"""What a server answered, read to its end."""

from dataclasses import dataclass, field
from typing import TypeVar

import httpx
import msgspec

from bot.domain.errors import Refused

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """A whole response. `operation` is in Pilothouse's words ("read application my-app-production")."""

    system: str
    operation: str
    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)

    def decode(self, model: type[T]) -> T:
        """The body as `model`. Raises Refused when it is not that."""
        return decode(self.body, model, self.system, self.operation, self.headers.get("content-type", ""))


def decode(body: bytes | str | msgspec.Raw, model: type[T], system: str, operation: str, content_type: str = "") -> T:
    """JSON as `model`. Raises Refused, which names the place in the document but shows no value of it."""
    try:
        return msgspec.json.decode(body, type=model)
    except (msgspec.MsgspecError, ValueError) as error:
        told = f" (its type is {content_type})" if content_type and "json" not in content_type else ""
        problem = "invalid UTF-8" if isinstance(error, UnicodeError) else str(error)
        raise Refused(system, operation, f"the answer is not the JSON that was expected{told}: {problem}") from error
    except RecursionError as error:
        raise Refused(system, operation, "the answer is JSON nested too deeply") from error
