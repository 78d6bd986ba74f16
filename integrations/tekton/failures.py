"""What the API server and the connection to it say, as errors of ours (K3)."""

import asyncio
import re
import ssl
from datetime import timedelta

import aiohttp
import msgspec

from bot.domain.errors import Advice, IntegrationError, NotFound, Refused, Unavailable
from integrations.tekton import wire
from integrations.tekton.manifests import SYSTEM

_LONGEST_DETAIL = 500
_TRANSIENT = frozenset({408, 410, 425, 429})
_HINTS = {
    401: "the credentials are not accepted: check PILOTHOUSE_KUBERNETES__KUBECONFIG or the service account",
    403: "the account may not do this",
}

_DENIED = re.compile(r"\bdenied (?:the )?request(?:: (?P<words>.+))?$")
_QUOTA = re.compile(r"\bexceeded quota: (?P<words>.+)$")
_RIGHT = re.compile(r'\bcannot (?P<verb>\w+) resource "(?P<resource>[\w./-]+)"')
"""how an API server words what an admission policy or webhook, a quota, and RBAC refuse"""
_TEKTON = "webhook.pipeline.tekton.dev"
"""Tekton's own webhook finds mistakes in a run (T12); it is no policy of the cluster's"""


class AlreadyExists(Refused):
    """409: an object of that name is there (K3)."""


class Gone(Unavailable):
    """410: the version or the page that was asked for is forgotten: list again (K1, K2)."""


class Unauthorized(Refused):
    """401: the credentials may have changed."""


class WebhookRefusal(Refused):
    """400: malformed, or refused by an admission webhook; `detail` has its words (T9, T12)."""


_KINDS: dict[int, type[Refused]] = {400: WebhookRefusal, 401: Unauthorized, 404: NotFound}


def from_status(operation: str, code: int, body: bytes, retry_after: str = "") -> IntegrationError:
    """For an answer that is not 2xx. `body` is a Status, or whatever a proxy made of it."""
    try:
        status = msgspec.json.decode(body, type=wire.KubernetesStatus)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        status = wire.KubernetesStatus()
    told = " ".join(status.message.split())[:_LONGEST_DETAIL]
    detail = ": ".join(filter(None, (f"HTTP {code}", _HINTS.get(code, ""), told)))
    if code == 410:
        return Gone(SYSTEM, operation, detail)
    if code in _TRANSIENT or code >= 500:
        seconds = int(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0
        seconds = seconds or (status.details.retry_after_seconds if status.details else 0)
        return Unavailable(SYSTEM, operation, detail, timedelta(seconds=min(seconds, 3600)) if seconds else None)
    if code == 409 and status.reason == "AlreadyExists":
        return AlreadyExists(SYSTEM, operation, detail)
    error = _KINDS.get(code, Refused)(SYSTEM, operation, detail)
    error.advice = _advice(operation, code, told)
    return error


def _advice(operation: str, code: int, told: str) -> Advice | None:
    """What the person who asked is told: the cluster's own words, and what a retry would change."""
    if code not in (400, 403, 409, 422) or not told:
        return None
    cannot = f"The cluster refuses to {operation}"
    if found := _QUOTA.search(told):
        return Advice(
            f"{cannot}: the quota {found['words']}.",
            "Try again when other runs have ended and are cleaned up, or let an administrator raise the quota.",
        )
    if (found := _DENIED.search(told)) and _TEKTON not in told:
        return Advice(
            f"{cannot}: {_sentence(found['words'] or told)}",
            "A policy of the cluster says so: trying again helps once that policy, or what it asks for, has changed.",
        )
    if found := _RIGHT.search(told):
        return Advice(
            f"Pilothouse may not {found['verb']} {found['resource']} in the cluster.",
            "Trying again changes nothing: an administrator binds the role of deploy/bot/base/rbac.yaml; "
            "`pilothouse doctor` names what is missing.",
        )
    return Advice(
        f"{cannot}: {_sentence(told)}",
        "The same request is refused again: correct what it names. Sizes and accounts of runs are settings "
        "(PILOTHOUSE_KUBERNETES__…), parameters come from the command and from pilothouse.yaml.",
    )


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?")) else f"{words}."


def from_transport(operation: str, error: Exception) -> IntegrationError:
    """For a request that got no whole answer."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError):
        return Refused(SYSTEM, operation, "the server's certificate is not trusted: check the kubeconfig's authority")
    if isinstance(error, asyncio.TimeoutError):
        return Unavailable(SYSTEM, operation, "no answer in time")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Unavailable(SYSTEM, operation, f"cannot connect: {error.os_error.strerror or 'no reason given'}")
    return Unavailable(SYSTEM, operation, f"the connection broke off ({type(error).__name__})")
