"""How HTTPS is verified: the system's authorities and the configured ones, read again when their files change."""

import ssl
from functools import cache
from pathlib import Path

import certifi

from bot.settings import Tls


class Certificates:
    """Keeps one SSL context true to its files. Raises OSError (ssl.SSLError included) when they cannot be used."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        self.context = _own_context() if tls.ca_bundle or tls.client_cert else _shared_context()
        self._seen: dict[Path, int] = {}
        self.refresh()

    def refresh(self) -> None:
        """Load what changed since the last time; connections made from now on use it."""
        tls = self._tls
        if tls.ca_bundle and (changed := self._changed(tls.ca_bundle)):
            self.context.load_verify_locations(tls.ca_bundle)
            self._seen |= changed
        if tls.client_cert and (changed := self._changed(tls.client_cert, tls.client_key)):
            self.context.load_cert_chain(tls.client_cert, tls.client_key)
            self._seen |= changed

    def _changed(self, *files: Path | None) -> dict[Path, int]:
        """When they were modified. To be kept only after they were loaded, or they would not be tried again."""
        now = {file: file.stat().st_mtime_ns for file in files if file}
        return {file: at for file, at in now.items() if self._seen.get(file) != at}


def _own_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not any(ssl.get_default_verify_paths()[:2]):
        context.load_verify_locations(certifi.where())
    return context


@cache
def _shared_context() -> ssl.SSLContext:
    """One for all clients that trust the system's authorities only: reading some 140 from a file takes about 40 ms."""
    return _own_context()
