"""Times in the sentences of gates."""

from datetime import datetime, tzinfo


def clock(at: datetime, zone: tzinfo) -> str:
    """ "Mon 5 Jan 08:00 CET": gates speak in plain text, where Slack cannot fill in the reader's own time zone."""
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %H:%M %Z}"
