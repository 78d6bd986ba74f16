"""What Harbor means by an answer that is not 2xx, each cause with its own sentence and remedy (H4, H5, H7, H28)."""

import msgspec

from bot.domain.errors import Advice, IntegrationError, NotFound, Refused, Unavailable
from integrations.harbor.permissions import HarborPermission
from integrations.harbor.wire import HarborErrorBody, HarborErrorItem
from integrations.http import Answer

NOT_OURS = "HTTP 404: the URL does not lead to the API of a Harbor"
REJECTED = (
    "not logged in: Harbor treats a wrong, disabled or expired robot account as anonymous. "
    "Check PILOTHOUSE_HARBOR__USERNAME, with its prefix, and the password"
)
ELSEWHERE = Advice("The configured address does not lead to Harbor's API.", "Correct PILOTHOUSE_HARBOR__URL.")
NOBODY = Advice(
    "Harbor does not accept the robot account.",
    "An administrator checks its name (with the prefix), its password, and whether it is disabled or expired.",
)
READ_ONLY = Advice(
    "Harbor is in read-only mode, so no scan can start.", "It continues when a Harbor administrator ends that mode."
)
SCANNER_AWAY = Advice(
    "Harbor's scanner does not answer, so no scan can start.", "It continues when the scanner is back."
)
UNSCANNABLE = Advice("Harbor's scanner cannot scan this kind of artifact.", "Promote a container image.")
NO_REPORT = Advice("Harbor has no finished report on this image.", "Scan it again.")
SHORT_LIST = Advice("Harbor lists fewer findings than it counts.", "Asking again until they agree.")


class HarborRefused(Refused):
    """Refused, with the HTTP status, which tells the reasons of a scan's refusal apart (H14)."""

    def __init__(self, system: str, operation: str, detail: str, status: int, advice: Advice | None = None) -> None:
        super().__init__(system, operation, detail)
        self.args = (system, operation, detail, status, advice)
        self.status = status
        self.advice = advice


class HarborNotFound(NotFound):
    """It was deleted, or was never there."""

    def __init__(self, system: str, operation: str, detail: str, advice: Advice) -> None:
        super().__init__(system, operation, detail)
        self.args = (system, operation, detail, advice)
        self.advice = advice


class HarborAway(Unavailable):
    """Harbor answers, but a part of it does not work at the moment (H26, H28)."""

    def __init__(self, system: str, operation: str, detail: str, advice: Advice) -> None:
        super().__init__(system, operation, detail)
        self.args = (system, operation, detail, advice)
        self.advice = advice


def refine(answer: Answer) -> IntegrationError | None:
    """What is left to the general rule: 408, 429, 5xx. Which 403 it is, is for `hidden` and `lacking`."""
    error = first_error(answer)
    system, operation, status = answer.system, answer.operation, answer.status
    words = f"{error.code}: {error.message}"[:500] if error else f"HTTP {status}"
    if status == 404:
        if error is None:
            return HarborRefused(system, operation, NOT_OURS, status, ELSEWHERE)
        return HarborNotFound(system, operation, words, gone(error.message or ""))
    if status == 401:
        return HarborRefused(system, operation, REJECTED, status, NOBODY)
    if status == 403 and "read only" in words:
        return HarborAway(system, operation, words, READ_ONLY)
    if status == 412:
        return HarborRefused(system, operation, words, status, no_scanner(operation))
    if status in (400, 409, 422) or (status == 403 and "retry-after" not in answer.headers):
        return HarborRefused(system, operation, words, status)
    return None


def gone(message: str) -> Advice:
    what = message.partition(" ")[0]
    if what in ("project", "repository"):
        return Advice(f"Harbor does not have that {what}.", "Check its name in the overlay, or push an image to it.")
    return Advice(
        "The image is not in Harbor: it was deleted, or never pushed.", "Build it again, or choose another image."
    )


def no_scanner(operation: str) -> Advice:
    return Advice(
        f"Harbor has no scanner that is switched on, so it cannot {operation}.",
        "A project administrator chooses one on the project's Scanner page.",
    )


def hidden(error: HarborRefused, project: str) -> HarborRefused:
    """H5: also what an absent project looks like."""
    advice = Advice(
        f"The project {project} is not in Harbor, or the robot account may not see it.",
        "Check the name of the project, and give the robot account access to it.",
    )
    detail = f"the project is absent, or hidden from the robot account: {error.detail}"
    return HarborRefused(error.system, error.operation, detail, error.status, advice)


def lacking(error: HarborRefused, project: str, permission: HarborPermission) -> HarborRefused:
    """H28: the project can be read, so it is this one permission."""
    advice = Advice(
        f"The robot account lacks the permission {permission} in Harbor's project {project}.",
        "A Harbor administrator adds it; deploy/harbor-robot.json lists all that are needed.",
    )
    detail = f"the robot account lacks {permission}: {error.detail}"
    return HarborRefused(error.system, error.operation, detail, error.status, advice)


def first_error(answer: Answer) -> HarborErrorItem | None:
    try:
        return next(iter(msgspec.json.decode(answer.body, type=HarborErrorBody).errors or ()), None)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
