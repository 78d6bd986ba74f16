"""Exceptions in logs as Python prints them: structlog's default colours each frame's source, for 50 ms and more."""

import structlog


def show_plain_tracebacks() -> None:
    """In this process, for all that logs before anybody sets logging up, and after `reset_defaults`."""
    renderer = structlog.get_config()["processors"][-1]
    assert isinstance(renderer, structlog.dev.ConsoleRenderer)
    renderer.exception_formatter = structlog.dev.plain_traceback
