"""Harbor's error answers (H7)."""

from starlette.responses import Response

from .json_response import HarborJson


class HarborError(Exception):
    """`code` is Harbor's word, such as NOT_FOUND; `status` the HTTP status that goes with it."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def response(self) -> Response:
        body = {"errors": [{"code": self.code, "message": self.message}]}
        return HarborJson(body, self.status, headers=self.headers)


def not_found(what: str) -> HarborError:
    return HarborError(404, "NOT_FOUND", f"{what} not found")


def forbidden() -> HarborError:
    return HarborError(403, "FORBIDDEN", "forbidden")


def unauthorized() -> HarborError:
    return HarborError(401, "UNAUTHORIZED", "unauthorized")


def bad_request(message: str) -> HarborError:
    return HarborError(400, "BAD_REQUEST", message)


def unprocessable(message: str) -> HarborError:
    return HarborError(422, "UNPROCESSABLE_ENTITY", message)


def conflict(message: str) -> HarborError:
    return HarborError(409, "CONFLICT", message)


def precondition(message: str) -> HarborError:
    return HarborError(412, "PRECONDITION", message)
