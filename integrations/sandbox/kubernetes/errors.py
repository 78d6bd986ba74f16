"""What an API server refuses, as the `Status` object that it sends (K3)."""

from collections.abc import Mapping, Sequence
from typing import Any


class ApiError(Exception):
    """A refusal. `reason` and `code` are Kubernetes' own pair, for example ("NotFound", 404)."""

    def __init__(self, code: int, reason: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(code, reason, message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = dict(details or {})

    def as_status(self) -> dict[str, Any]:
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        if self.details:
            status["details"] = self.details
        return status


def _details(group: str, resource: str, name: str) -> dict[str, Any]:
    found = {"name": name, "group": group, "kind": resource}
    return {key: value for key, value in found.items() if value}


def qualified(group: str, resource: str) -> str:
    """The way that Kubernetes names a resource in sentences: `pods`, `pipelineruns.tekton.dev`."""
    return f"{resource}.{group}" if group else resource


def not_found(group: str, resource: str, name: str) -> ApiError:
    return ApiError(
        404, "NotFound", f'{qualified(group, resource)} "{name}" not found', _details(group, resource, name)
    )


def no_such_path() -> ApiError:
    """An absent CRD: a 404 without a name in its details (K3)."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def already_exists(group: str, resource: str, name: str) -> ApiError:
    message = f'{qualified(group, resource)} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, _details(group, resource, name))


def conflict(group: str, resource: str, name: str) -> ApiError:
    message = (
        f'Operation cannot be fulfilled on {qualified(group, resource)} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    return ApiError(409, "Conflict", message, _details(group, resource, name))


def invalid(group: str, kind: str, name: str, causes: Sequence[tuple[str, str, str]]) -> ApiError:
    """422; a cause is (field, reason, sentence), as in ("spec.status", "FieldValueInvalid", "Invalid value")."""
    shown = "; ".join(f"{field}: {sentence}" for field, _, sentence in causes)
    details = _details(group, kind, name)
    details["causes"] = [{"reason": why, "message": sentence, "field": field} for field, why, sentence in causes]
    return ApiError(422, "Invalid", f'{qualified(group, kind)} "{name}" is invalid: {shown}', details)


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized", "Unauthorized")


def forbidden(group: str, resource: str, name: str, why: str) -> ApiError:
    target = f'{qualified(group, resource)} "{name}"' if name else qualified(group, resource)
    return ApiError(403, "Forbidden", f"{target} is forbidden: {why}", _details(group, resource, name))


def expired(message: str) -> ApiError:
    """410: the history that was asked for is compacted (K1, K2)."""
    return ApiError(410, "Expired", message)


def unsupported_media_type(accepted: Sequence[str]) -> ApiError:
    message = f"the body of the request was in an unknown format - accepted media types include: {', '.join(accepted)}"
    return ApiError(415, "UnsupportedMediaType", message)


def method_not_allowed() -> ApiError:
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


def denied(webhook: str, message: str) -> ApiError:
    """What a Knative-style admission webhook says no with: 400, neither 409 nor 422 (T9)."""
    return bad_request(f'admission webhook "{webhook}" denied the request: {message}')
