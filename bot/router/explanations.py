"""What people are told when something does not work, and what the log is told."""

import structlog

from bot.domain.errors import (
    DatabaseAway,
    DatabaseInDoubt,
    DatabaseSlow,
    IntegrationError,
    Refused,
    Unavailable,
    UserError,
)
from bot.domain.sentence import capital

NOT_TAKEN = (
    "The database answers again. It did not have your request, so nothing was done. Ask again if you still need it."
)

log = structlog.get_logger(__name__)


def explain(error: Exception, correlation_id: str) -> str:
    """A `UserError` speaks for itself, and of a system that is away there is no more to know. Anything else is one calm
    line with the id that finds the traceback.
    """
    if isinstance(error, UserError):
        log.info("request.refused", reason=error.sentence, error=type(error).__name__)
        return error.sentence
    if isinstance(error, DatabaseInDoubt):
        return (
            "The database did not answer in time, so I do not know whether I have your request. I will tell you as "
            "soon as I know. If you hear nothing for a minute, check what has become of it before you ask again."
        )
    if isinstance(error, DatabaseSlow):
        return (
            "The database did not answer in time, so I did nothing. What is under way waits for it and loses nothing. "
            "Try again in a minute."
        )
    if isinstance(error, DatabaseAway):  # whoever noticed it has told the log
        return (
            "The database is away, so I could not do that. What is under way waits for it and loses nothing. "
            "Try again in a minute."
        )
    if isinstance(error, IntegrationError) and error.advice:
        log.warning("system.refused", system=error.system, operation=error.operation, detail=error.detail)
        return f"{error.advice.sentence} {error.advice.remedy}"
    if isinstance(error, Unavailable):
        log.warning("system.unavailable", system=error.system, operation=error.operation, detail=error.detail)
        return f"{capital(error.system)} does not answer, so I could not finish that. Try again in a minute."
    log.error("request.failed", exc_info=error)
    if isinstance(error, Refused):
        said = f"{capital(error.system)} refuses to do its part of that, and asking again will not change it."
        return f"{said} An administrator finds out why with this id: `{correlation_id}`."
    culprit = (
        f"{capital(error.system)} did not do its part" if isinstance(error, IntegrationError) else "Something broke"
    )
    return (
        f"{culprit}, and I could not finish that. Try again in a minute; "
        f"if it happens again, give an administrator this id: `{correlation_id}`."
    )
