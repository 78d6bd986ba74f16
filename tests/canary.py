"""Secrets that sing when they get out: no log line, message, error or repr of the whole test run may hold one."""

import base64
import re
from pathlib import Path

CANARY = "canary-5e1f"
"""begins every secret that a test plants to see whether it is shown"""

SECRETS = re.compile(
    "|".join(
        (
            CANARY,
            base64.b64encode(CANARY.encode()).decode()[:12],
            r"xox[bp]-[\w-]{4,}",
            r"xapp-[\w-]{4,}",
            r"\bgh[oprsu]_[\w.-]{4,}",
            r"\bgithub_pat_\w{4,}",
            # With a body: the line alone is no secret. Logs write its end as \n.
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:\s|\\+[nr])*[\w+/]{4,}",
            r"sandbox-signing-secret",
            r"argo-t0ken",
            r"\b(?:git|argocd|harbor|kube)-[0-9a-f]{32}\b",
        )
    )
)
"""those, and the secrets of the sandbox's world"""


def leaks(text: str) -> list[str]:
    """Every secret in a text, with some of what stands before it."""
    return [text[max(0, found.start() - 60) : found.end()] for found in SECRETS.finditer(text)]


def silent(*logs: Path) -> None:
    """Fails when a file holds a secret: pytest sees nothing of what processes of their own log."""
    for log in logs:
        if found := leaks(log.read_text(errors="replace")):
            raise AssertionError(f"{log} shows a secret: {found[0]!r}")
