"""Lines of a pod's log, out of Argo CD's stream of frames."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from integrations.argocd import wire
from integrations.argocd.errors import SYSTEM, stream_error
from integrations.http.answer import decode


@dataclass(frozen=True)
class LogLine:
    """`at` is the server's own time text."""

    pod: str
    content: str
    at: str = ""


async def log_lines(lines: AsyncIterator[bytes], operation: str, limit: int) -> AsyncIterator[LogLine]:
    """Until the frame that says it is the last (A25), or `limit` lines. Raises as the stream's error line says (A9)."""
    count = 0
    async for line in lines:
        frame = decode(line, wire.LogFrame, SYSTEM, operation)
        if frame.error:
            raise stream_error(operation, frame.error)
        entry = frame.result or wire.LogEntry()
        if entry.last or count >= limit:
            return
        count += 1
        yield LogLine(entry.pod_name or "", entry.content or "", entry.time_stamp_str or "")
