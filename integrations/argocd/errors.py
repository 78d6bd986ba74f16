"""What Argo CD means by an answer that is not 2xx."""

import msgspec

from bot.domain.errors import IntegrationError, Refused, Unavailable
from integrations.argocd.wire import ArgoErrorBody, StreamError
from integrations.http import Answer

SYSTEM = "Argo CD"

INVALID_ARGUMENT = 3
NOT_FOUND = 5
FAILED_PRECONDITION = 9

CALLER_ERRORS = frozenset({3, 5, 6, 7, 9, 11, 12, 16})
"""gRPC codes that a retry does not change (A4)"""
RENEW = "It has expired or was revoked: the bot needs a new token for its account in Argo CD."


class ArgoCDRefused(Refused):
    """Refused, with Argo CD's own gRPC code, which says more than the HTTP status (A3, A4)."""

    def __init__(self, system: str, operation: str, detail: str, code: int) -> None:
        super().__init__(system, operation, detail)
        self.args = (system, operation, detail, code)
        self.code = code


def refine(answer: Answer) -> IntegrationError | None:
    """A3, A4, A5. What is left to the general rule: 401, 404 with code 5, 408, 429, 5xx."""
    body = error_body(answer)
    if answer.status == 404 and body.code != NOT_FOUND:
        # A3: an unknown path is plain text; an absent Application is not
        return Refused(answer.system, answer.operation, "HTTP 404: the URL does not lead to the API of an Argo CD")
    if answer.status == 415:
        return Refused(answer.system, answer.operation, "HTTP 415: it does not take application/json (A2)")
    words = body.message or body.error or f"HTTP {answer.status}"
    if answer.status == 401:
        return Refused(answer.system, answer.operation, f"the token is not accepted: {words}. {RENEW}")
    if answer.status in (400, 403, 409) and body.code is not None:
        return ArgoCDRefused(answer.system, answer.operation, words[:500], body.code)
    return None


def error_body(answer: Answer) -> ArgoErrorBody:
    try:
        return msgspec.json.decode(answer.body, type=ArgoErrorBody)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ArgoErrorBody()


def stream_error(operation: str, error: StreamError) -> IntegrationError:
    """The error line of a stream (A9)."""
    words = (error.message or "the stream broke off")[:500]
    kind = Refused if error.grpc_code in CALLER_ERRORS else Unavailable
    return kind(SYSTEM, operation, words)
