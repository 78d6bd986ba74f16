"""Refusals as GitHub's REST API writes them."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

DOCUMENTATION = "https://docs.github.com/rest"


class GitHubError(Exception):
    """(HTTP status, message, errors of a 422)."""

    def __init__(self, status: int, message: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(status, message, errors)
        self.status, self.message, self.errors = status, message, errors

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "message": self.message,
            "documentation_url": DOCUMENTATION,
            "status": str(self.status),
        }
        return body | ({"errors": self.errors} if self.errors else {})


async def answer_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, GitHubError)
    return JSONResponse(error.body(), error.status)


async def answer_unknown_path(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse(GitHubError(404, "Not Found").body(), 404)


def not_found() -> GitHubError:
    return GitHubError(404, "Not Found")


def invalid(resource: str, field: str, code: str, message: str = "") -> GitHubError:
    """The 422 that names what is wrong (G14)."""
    detail = {"resource": resource, "field": field, "code": code} | ({"message": message} if message else {})
    return GitHubError(422, "Validation Failed", [detail])
