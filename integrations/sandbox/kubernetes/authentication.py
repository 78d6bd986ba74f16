"""Who asks: bearer tokens and impersonation headers."""

import secrets
from dataclasses import dataclass

from starlette.datastructures import Headers

from .errors import forbidden, unauthorized
from .rbac import Attributes, Authorizer

ADMINISTRATORS = "system:masters"


@dataclass(frozen=True)
class ClusterUser:
    name: str
    groups: tuple[str, ...] = ()


ANONYMOUS = ClusterUser("system:anonymous", ("system:unauthenticated",))


def service_account(namespace: str, name: str) -> ClusterUser:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    return ClusterUser(f"system:serviceaccount:{namespace}:{name}", groups)


class Authenticator:
    """Tokens and whose they are."""

    def __init__(self, authorizer: Authorizer) -> None:
        self.authorizer = authorizer
        self._tokens: dict[str, ClusterUser] = {}

    def accept(self, token: str, user: ClusterUser) -> None:
        self._tokens[token] = user

    def issue(self, user: ClusterUser) -> str:
        """A new token of `user`."""
        token = secrets.token_urlsafe(24)
        self.accept(token, user)
        return token

    def revoke(self, token: str) -> None:
        self._tokens.pop(token, None)

    def authenticate(self, headers: Headers) -> ClusterUser:
        """The user to act as. Raises ApiError: 401 for an unknown token, 403 for an impersonation not allowed."""
        return self._impersonated(self._bearer(headers), headers)

    def _bearer(self, headers: Headers) -> ClusterUser:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if not scheme:
            return ANONYMOUS
        user = self._tokens.get(token.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            raise unauthorized()
        return user

    def _impersonated(self, user: ClusterUser, headers: Headers) -> ClusterUser:
        name = headers.get("impersonate-user", "")
        groups = tuple(headers.getlist("impersonate-group"))
        if not name:
            if groups:
                raise forbidden("", "users", "", "requested groups without impersonating a user")
            return user
        self._check_impersonation(user, name, groups)
        return ClusterUser(name, groups if "system:authenticated" in groups else (*groups, "system:authenticated"))

    def _check_impersonation(self, user: ClusterUser, name: str, groups: tuple[str, ...]) -> None:
        wanted = [("users", "", name)]
        if name.startswith("system:serviceaccount:") and name.count(":") == 3:
            _, _, namespace, account = name.split(":")
            wanted = [("serviceaccounts", namespace, account)]
        for resource, namespace, target in [*wanted, *(("groups", "", group) for group in groups)]:
            asked = Attributes("impersonate", "", resource, name=target, namespace=namespace)
            if not self.authorizer.allowed(user.name, user.groups, asked):
                why = (
                    f'User "{user.name}" cannot impersonate resource "{resource}" in API group "" at the cluster scope'
                )
                raise forbidden("", resource, target, why)
