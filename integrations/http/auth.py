"""How a request proves who sends it. Credentials are callables asked at each request, so rotation needs no restart."""

import base64
from collections.abc import Callable, Generator, Iterable

import httpx


class CredentialError(Exception):
    """The credential itself is unusable. The sentence never shows it."""


class CredentialUnreadable(CredentialError):
    """Its file cannot be read just now."""


class Auth(httpx.Auth):
    """What every authentication offers: besides the headers, the words that no error may repeat."""

    def secrets(self) -> Iterable[str]:
        return ()


class Anonymous(Auth):
    """No credential at all."""


class Bearer(Auth):
    """`Authorization: Bearer <token>`; nothing when the token is empty."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if token := read(self._token):
            request.headers["Authorization"] = f"Bearer {token}"
        yield request

    def secrets(self) -> Iterable[str]:
        return (read(self._token),)


class Basic(Auth):
    """`Authorization: Basic …`; nothing when the password is empty."""

    def __init__(self, username: str, password: Callable[[], str]) -> None:
        self._username = username
        self._password = password

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if password := read(self._password):
            request.headers["Authorization"] = f"Basic {self._encoded(password)}"
        yield request

    def secrets(self) -> Iterable[str]:
        password = read(self._password)
        return (password, self._encoded(password)) if password else ()

    def _encoded(self, password: str) -> str:
        return base64.b64encode(f"{self._username}:{password}".encode()).decode()


def read(credential: Callable[[], str]) -> str:
    """Raises CredentialError for a secret that cannot be read, or that no header can carry."""
    try:
        secret = credential()
    except OSError as error:
        raise CredentialUnreadable(f"the credential's file cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise CredentialError("the credential's file is not text") from None
    if not (secret.isascii() and (secret.isprintable() or not secret)):
        raise CredentialError("the credential has line breaks or characters that are not ASCII: write it again")
    return secret
