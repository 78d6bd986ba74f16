"""Who asks: robot accounts, the administrator, or nobody (H3, H4)."""

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime

ADMIN = "admin"


@dataclass
class Robot:
    """`name` is the full one: `robot$ci`, or `robot$apps+ci` for a project's. `projects` empty = every project.

    expires_at: epoch seconds, -1 = never. permissions: "artifact:read" and the like; None = all.
    """

    id: int
    name: str
    secret: str = field(repr=False)
    created: datetime
    projects: frozenset[str] = frozenset()
    disabled: bool = False
    expires_at: int = -1
    permissions: frozenset[str] | None = None

    @property
    def level(self) -> str:
        return "project" if "+" in self.name else "system"


@dataclass(frozen=True)
class Caller:
    """`name` is empty for the anonymous one."""

    name: str = ""
    admin: bool = False
    projects: frozenset[str] | None = frozenset()
    permissions: frozenset[str] | None = None

    def may(self, project: str, permission: str) -> bool:
        within = self.projects is None or project in self.projects
        return self.admin or (within and (self.permissions is None or permission in self.permissions))


ANONYMOUS = Caller()


class Accounts:
    def __init__(self, admin_password: str | None) -> None:
        self._admin_password = admin_password
        self.robots: dict[str, Robot] = {}
        self._tokens: dict[str, Caller] = {}

    def add(self, name: str, secret: str, created: datetime, projects: frozenset[str] = frozenset()) -> Robot:
        if "+" in name:
            projects = frozenset({name.removeprefix("robot$").partition("+")[0]})
        robot = Robot(len(self.robots) + 1, name, secret, created, projects)
        self.robots[name] = robot
        return robot

    def identify(self, authorization: str, now: datetime) -> Caller:
        """Wrong, expired and disabled credentials give the anonymous caller, not an error (H4)."""
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return self._tokens.get(value, ANONYMOUS)
        if scheme.lower() != "basic":
            return ANONYMOUS
        try:
            name, _, secret = base64.b64decode(value).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return ANONYMOUS
        return self._by_password(name, secret, now)

    def _by_password(self, name: str, secret: str, now: datetime) -> Caller:
        if name == ADMIN and self._admin_password and hmac.compare_digest(secret, self._admin_password):
            return Caller(ADMIN, admin=True)
        robot = self.robots.get(name)
        if robot is None or not hmac.compare_digest(secret.encode(), robot.secret.encode()):
            return ANONYMOUS
        if robot.disabled or (robot.expires_at != -1 and robot.expires_at < now.timestamp()):
            return ANONYMOUS
        return Caller(name, projects=robot.projects or None, permissions=robot.permissions)

    def token(self, caller: Caller) -> str:
        """A bearer token for the registry API, good for `caller` (H24)."""
        token = secrets.token_urlsafe(24)
        self._tokens[token] = caller
        return token
