"""What Harbor means by an answer that is not 2xx."""

import msgspec

from bot.domain.errors import IntegrationError, Refused
from integrations.harbor.wire import Error, Errors
from integrations.http import Answer

NOT_OURS = "HTTP 404: the URL does not lead to the API of a Harbor"
REJECTED = (
    "not logged in: Harbor takes a wrong, disabled or expired robot account for nobody (H4). "
    "Check PILOTHOUSE_HARBOR__USERNAME, with its prefix, and the password"
)


class HarborRefused(Refused):
    """Refused, with the HTTP status, which tells the reasons of a scan's refusal apart (H14)."""

    def __init__(self, system: str, operation: str, detail: str, status: int) -> None:
        super().__init__(system, operation, detail)
        self.args = (system, operation, detail, status)
        self.status = status


def refine(answer: Answer) -> IntegrationError | None:
    """H4, H5, H7. What is left to the general rule: 404 NOT_FOUND, 408, 429, 5xx."""
    error = first_error(answer)
    system, operation, status = answer.system, answer.operation, answer.status
    words = f"{error.code}: {error.message}"[:500] if error else f"HTTP {status}"
    if status == 404 and error is None:
        return Refused(system, operation, NOT_OURS)
    if status == 401:
        return HarborRefused(system, operation, REJECTED, status)
    if status == 403 and "retry-after" not in answer.headers:
        return HarborRefused(
            system, operation, f"the project is absent, or hidden from the robot account: {words}", 403
        )
    if status in (400, 409, 412, 422):
        return HarborRefused(system, operation, words, status)
    return None


def first_error(answer: Answer) -> Error | None:
    try:
        return next(iter(msgspec.json.decode(answer.body, type=Errors).errors or ()), None)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
