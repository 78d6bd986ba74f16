"""How HTTPS is verified: the system's authorities and the configured ones, read again when their files change."""

import ssl
from pathlib import Path

import certifi

from bot.settings import Tls


class Certificates:
    """Keeps one SSL context true to its files. Raises OSError (ssl.SSLError included) when they cannot be used."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        self.context = ssl.create_default_context()
        if not any(ssl.get_default_verify_paths()[:2]):
            self.context.load_verify_locations(certifi.where())
        self._seen: dict[Path, int] = {}
        self.refresh()

    def refresh(self) -> None:
        """Load what changed since the last time; connections made from now on use it."""
        tls = self._tls
        if tls.ca_bundle and self._changed(tls.ca_bundle):
            self.context.load_verify_locations(tls.ca_bundle)
        changed = [self._changed(file) for file in (tls.client_cert, tls.client_key) if file]
        if tls.client_cert and any(changed):
            self.context.load_cert_chain(tls.client_cert, tls.client_key)

    def _changed(self, file: Path) -> bool:
        now = file.stat().st_mtime_ns
        before, self._seen[file] = self._seen.get(file), now
        return before != now
