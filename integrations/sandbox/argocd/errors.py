"""Errors as the gRPC gateway writes them (A3), with the status that belongs to each code (A4)."""

from enum import IntEnum

from starlette.requests import Request
from starlette.responses import JSONResponse


class Code(IntEnum):
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    FAILED_PRECONDITION = 9
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAUTHENTICATED = 16


_HTTP_STATUS = {
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.PERMISSION_DENIED: 403,
    Code.FAILED_PRECONDITION: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAUTHENTICATED: 401,
}


class StatusError(Exception):
    """A refusal by the API server: (code, message)."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message

    @property
    def http_status(self) -> int:
        return _HTTP_STATUS[self.code]

    def body(self) -> dict[str, object]:
        return {"error": self.message, "code": int(self.code), "message": self.message}


async def answer_status_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StatusError)
    return JSONResponse(error.body(), error.http_status)


def permission_denied() -> StatusError:
    return StatusError(Code.PERMISSION_DENIED, "permission denied")
