"""Secrets that sing when they get out: no log line, message, error or repr of the whole test run may hold one."""

import base64
import re

CANARY = "canary-5e1f"
"""begins every secret that a test plants to see whether it is shown"""

SECRETS = re.compile(
    "|".join(
        (
            CANARY,
            base64.b64encode(CANARY.encode()).decode()[:12],
            r"xox[bp]-[\w-]{4,}",
            r"xapp-[\w-]{4,}",
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
