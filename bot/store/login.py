"""Who we are at Postgres: read again from the mounted file at each connection, so a rotated password needs no restart.

Only user and password are taken from it. A file that names another server or another database is another database, and
going there takes a start. Connections that are open live on until Postgres ends them; the pools then make new ones.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

log = structlog.get_logger(__name__)

CONNECT_SECONDS = 10
VANISHED: Mapping[str, int] = {
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""libpq's names. A server that is gone without a word (its node died, a firewall forgot the connection) is found out
after 20 to 30 s; TCP by itself takes a quarter of an hour, or two hours where we only wait.
"""


def watchful(url: sa.URL) -> dict[str, int]:
    """Of those, what the URL does not say itself."""
    return {name: value for name, value in VANISHED.items() if name not in url.query}


class Login:
    """`url` is where the database is; `file` holds a URL of the same place, with the user and password of now."""

    def __init__(self, url: str, file: Path) -> None:
        self._url = make_url(url)
        self._file = file
        self._read = url

    def url(self) -> sa.URL:
        """As the file has it, or as it was last known where the file cannot be read or names another place."""
        try:
            read = self._file.read_text().strip()
            found = make_url(read)
        except (OSError, ValueError, ArgumentError):  # it is being written, or it is gone: Postgres decides
            return self._url
        if read != self._read:
            self._read = read
            if _place(found) == _place(self._url):
                self._url = found
                log.info("database.login_changed", user=found.username)
            else:
                log.warning("database.url_needs_restart", file=str(self._file))
        return self._url

    def follow(self, engine: sa.Engine) -> None:
        """Every connection that this engine makes from now on is made with what the file has then."""

        def present(_dialect: object, _record: object, _args: object, parameters: dict[str, Any]) -> None:
            url = self.url()
            parameters.pop("password", None)
            parameters |= {"user": url.username} if url.username else {}
            parameters |= {"password": url.password} if url.password else {}

        sa.event.listen(engine, "do_connect", present)

    def connect(self) -> Any:
        """A connection for an engine that somebody else makes, and who takes a `creator`."""
        url = self.url().set(drivername="postgresql+psycopg")
        dialect = url.get_dialect()()
        args, parameters = dialect.create_connect_args(url)
        bounds = {"connect_timeout": CONNECT_SECONDS, **watchful(url)}
        return dialect.import_dbapi().connect(*args, **{**bounds, **parameters})


def _place(url: sa.URL) -> tuple[Any, ...]:
    return url.get_backend_name(), url.host, url.port, url.database, url.query
