"""What `pilothouse init` asks, and how it understands the answers."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import typer

from bot.cli.terminal import fail
from bot.domain import identity
from bot.domain.slack_id import is_user
from bot.domain.source import SCP

GROUP = re.compile(r"S[A-Z0-9]{6,}|@[a-z0-9._-]+")
PLAIN = re.compile(r"[^\s'\"`\\]+")
GITHUB = re.compile(r"[\w.-]+/[\w.-]+")

USUAL = "development, staging, production"
T = TypeVar("T")
People = tuple[str, ...]
"""User group handles or ids, user ids and e-mail addresses."""


@dataclass(frozen=True)
class PlatformAnswers:
    """What a team says about its platform; `environments` in the order of promotion."""

    environments: tuple[str, ...]
    engineers: People
    approvers: People
    admins: People
    channel: str
    argocd: str
    argocd_project: str
    harbor: str
    harbor_probe: str
    overlays: str
    """a git URL, or "owner/name" on GitHub"""
    namespace: str

    @property
    def on_github(self) -> bool:
        return bool(GITHUB.fullmatch(self.overlays))


def asked(given: Mapping[str, Any]) -> PlatformAnswers:
    """What the options say, by their names with "_", and for each that is empty what the person answers."""

    def ask(name: str, understand: Callable[[str], T], question: str, usual: str | None = None) -> T:
        return _ask(name.replace("_", "-"), given[name], understand, question, usual)

    deployers = "Who deploys? @groups, e-mail addresses or Slack ids, separated by commas"
    probe = "A private repository there (project/name) that the robot account can see"
    return PlatformAnswers(
        environments=ask("environments", _names, "Environments, in the order of promotion", USUAL),
        engineers=ask("engineers", _people, deployers, "@engineers"),
        approvers=ask("approvers", _people, "Who approves in the last environment?", "@release-managers"),
        admins=ask("admins", _people, "Who administers Pilothouse?", "@platform-admins"),
        channel=ask("channel", _channel, "Channel for deployments", "#deployments"),
        argocd=ask("argocd", _url, "URL of Argo CD, such as https://argocd.example.com"),
        argocd_project=ask("argocd_project", _plain, "AppProject of the Applications", "apps"),
        harbor=ask("harbor", _url, "URL of Harbor, such as https://harbor.example.com"),
        harbor_probe=ask("harbor_probe", _plain, probe),
        overlays=ask("overlays", _repository, "Overlay repository: a git URL, or owner/name on GitHub"),
        namespace=ask("namespace", _plain, "Namespace of the pipeline runs", "ci"),
    )


def _ask(option: str, given: str, understand: Callable[[str], T], question: str, usual: str | None = None) -> T:
    """What the option says; where it says nothing, what the person answers, asked again until it can be understood."""
    if given:
        try:
            return understand(given)
        except ValueError as error:
            fail(f"--{option}: {error}")

    def understood(text: str) -> T:
        try:
            return understand(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    # A default of "" has an empty answer explained; without one, typer asks again and says nothing.
    answer: T = typer.prompt(question, default=usual or "", show_default=bool(usual), value_proc=understood)
    return answer


def _people(text: str) -> People:
    """Raises ValueError for a name that Slack would not know."""
    people = _names(text)
    for one in people:
        if not (GROUP.fullmatch(one) or is_user(one) or identity.address(one)):
            raise ValueError(f"{one!r} is not a @group, an e-mail address or a Slack id (U…, W…, S…).")
    return people


def _names(text: str) -> tuple[str, ...]:
    """Raises ValueError when nothing is named."""
    found = tuple(dict.fromkeys(_plain(one) for one in text.split(",") if one.strip()))
    if not found:
        raise ValueError("name at least one.")
    return found


def _channel(text: str) -> str:
    return f"#{_plain(text).lstrip('#')}"


def _plain(text: str) -> str:
    """Raises ValueError for what would mean something else in a file of variables, or in YAML."""
    if not text.strip():
        raise ValueError("this needs an answer; Ctrl-C leaves without writing anything.")
    if not PLAIN.fullmatch(text.strip()):
        raise ValueError(f"{text.strip()!r} contains spaces or quotes.")
    return text.strip()


def _url(text: str) -> str:
    """Raises ValueError for what is none, and for one with a password in it."""
    parts = urlsplit(_plain(text))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise ValueError("expected a URL, https://…, without a user or password.")
    return text.strip().rstrip("/")


def _repository(text: str) -> str:
    """Raises ValueError for what is neither of the two, and for a URL with a password or a token in it."""
    found = _plain(text)
    parts = urlsplit(found)
    secret = parts.password or (parts.username and parts.scheme in ("http", "https"))
    if secret or not (GITHUB.fullmatch(found) or "://" in found or SCP.fullmatch(found)):
        raise ValueError("expected owner/name, or a git URL without a password or token in it.")
    return found
