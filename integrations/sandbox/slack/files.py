"""Uploaded files: a slot is asked for, filled with bytes, then shared, a little later, as a message (S9)."""

import secrets

from integrations.sandbox.slack.clock import SlackClock
from integrations.sandbox.slack.model import StoredFile


class Files:
    def __init__(self, clock: SlackClock) -> None:
        self._clock = clock
        self._files: dict[str, StoredFile] = {}
        self._slots: dict[str, str] = {}

    def reserve(self, name: str, length: int, user: str, alt_txt: str = "") -> tuple[StoredFile, str]:
        """A new file without bytes, and the path to POST them to."""
        id, created = f"F{secrets.token_hex(5).upper()}", int(self._clock.now())
        file = StoredFile(id, name, length, user, created, alt_txt=alt_txt)
        path = f"/upload/v1/{secrets.token_urlsafe(24)}"
        self._files[file.id] = file
        self._slots[path] = file.id
        return file, path

    def fill(self, path: str, content: bytes) -> bool:
        """False when nobody asked for this path, it was used, or the length is not the announced one (S9)."""
        file = self._files.get(self._slots.get(path, ""))
        if file is None or len(content) != file.length:
            return False
        file.content = content
        del self._slots[path]
        return True

    def find(self, file_id: str) -> StoredFile | None:
        return self._files.get(file_id)
