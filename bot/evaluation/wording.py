"""Times in the sentences of gates."""

from datetime import datetime, timedelta, tzinfo


def lasting(time: timedelta) -> str:
    """Rounded up to the second, in its two largest units: "23 min", "1 h 12 min"."""
    seconds = max(0, -int(-time.total_seconds() // 1))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next((index for index, (number, _) in enumerate(parts) if number), 3)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number) or "0 s"


def clock(at: datetime, zone: tzinfo) -> str:
    """ "Mon 5 Jan 08:00 CET": gates speak in plain text, where Slack cannot fill in the reader's own time zone."""
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %H:%M %Z}"
