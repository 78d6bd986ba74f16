"""What git wrote on standard error, as an error of ours: whose fault it is, and whether trying again may help.

Order matters: the first sentence that matches is the answer, and what a server says of itself comes before what git
concludes from it.
"""

import re
from collections.abc import Iterable

from bot.domain.errors import HeadMoved, IntegrationError, NotFound, Refused, Unavailable
from integrations.git.process import GitFailed, GitTimedOut

SYSTEM = "git"

_KNOWN: tuple[tuple[str, type[IntegrationError], str], ...] = (
    (r"returned error: 401|Authentication failed|could not read (Username|Password)", Refused,
     "the token is not accepted: check PILOTHOUSE_GIT__TOKEN"),
    (r"returned error: 403", Refused, "the token may not do this: give it write access to the repository"),
    (r"returned error: 3\d\d|unable to update url base from redirection", Refused,
     "the address redirects: set PILOTHOUSE_GIT__URL to where it leads"),
    (r"returned error: 404|repository '.*' not found|does not appear to be a git repository", NotFound,
     "the repository does not exist, or the token may not see it"),
    (r"returned error: (408|429|5\d\d)|HTTP 5\d\d", Unavailable, "the server answers with an error"),
    (r"returned error: 4\d\d", Refused, "the server refuses"),
    (r"bad permissions|UNPROTECTED PRIVATE KEY", Refused,
     "ssh refuses a key file that others can read: mount it with mode 0400"),
    (r"Host key verification failed|No \S+ host key is known", Refused,
     "the server's host key is not known: add it to PILOTHOUSE_GIT__KNOWN_HOSTS_FILE"),
    (r"No user exists for uid", Refused,
     "ssh refuses a user that the system does not know: run as 65532, whom the image knows, or add it to /etc/passwd"),
    (r"Permission denied|invalid format|error in libcrypto", Refused, "the SSH key is not accepted"),
    (r"certificate|SSL_CTX|could not load PEM", Refused, "TLS verification failed"),
    (r"is this a git repository|not valid: |invalid server response|protocol error|bad line length", Refused,
     "the answer is not git's protocol"),
    (r"couldn't find remote ref|not our ref|no such remote ref", NotFound, "the branch or commit does not exist there"),
    (r"transport '\w+' not allowed|unable to find remote helper|not a valid", Refused, "the address cannot be used"),
    (r"resolve host|Failed to connect|[Cc]ouldn't connect|Connection (refused|timed out|reset|closed)|timed out|"
     r"too slow|unexpectedly|unexpected disconnect|early EOF|Empty reply|curl \d+|RPC failed|SSL_ERROR|handshake|"
     r"Network is unreachable|No route to host|Could not read from remote", Unavailable,
     "the server cannot be reached"),
)  # fmt: skip

_SERVERS_TROUBLE = (
    "unpacker error|missing necessary objects|(?i:internal (server )?error|internal api (error|unreachable))"
)
"""its disk, its housekeeping at the same time, or, in a hook's remarks, a part of it that is away"""
_MOVED = "stale info|fetch first|non-fast-forward|cannot lock ref|failed to update ref|incorrect old value"


def remote_failure(operation: str, failed: GitFailed, told: str) -> IntegrationError | None:
    """The error of a command that talked to the remote; None when the trouble seems to be in the cache.

    `told` is standard error without secrets.
    """
    if isinstance(failed, GitTimedOut):
        return Unavailable(SYSTEM, operation, failed.stderr)
    if rejection := _rejection(operation, told):
        return rejection
    for pattern, kind, meaning in _KNOWN:
        if re.search(pattern, told):
            return kind(SYSTEM, operation, f"{meaning} ({last_words(told)})")
    return None


def _rejection(operation: str, told: str) -> IntegrationError | None:
    """What `push --porcelain` says of a branch that the server, or the lease on it, would not let move."""
    rejected = re.search(r"^!\t\S+\t\[(remote )?rejected\] \((.*)\)$", told, re.MULTILINE)
    if rejected is None:
        return None
    remarks = [line.removeprefix("remote:") for line in told.splitlines() if line.startswith("remote:")]
    return rejection(operation, rejected[2], remarks)


def rejection(operation: str, reason: str, remarks: Iterable[str]) -> IntegrationError:
    """Why the branch did not move: `reason` in the server's short words, `remarks` by its hooks."""
    if re.search(_MOVED, reason):
        return HeadMoved(SYSTEM, operation, f"the branch is not where it was read ({reason})")
    said = printable(" ".join(filter(None, (line.strip() for line in remarks))))[:300]
    if re.search(_SERVERS_TROUBLE, f"{reason} {said}"):
        detail = f"the server could not store the commit ({printable(reason)}). {said}"
        return Unavailable(SYSTEM, operation, detail.rstrip())
    remedy = "let the bot push to the branch, or change this environment by pull request"
    return Refused(
        SYSTEM, operation, f"the server will not move the branch ({printable(reason)}): {remedy}. {said}".rstrip()
    )


def printable(text: str) -> str:
    """Without colours and other control characters that a server may send to a terminal."""
    return "".join(c for c in re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text) if c.isprintable())


def last_words(told: str) -> str:
    """The one line of standard error that says most."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))]
    return (telling or lines or ["no explanation"])[0][:300]
