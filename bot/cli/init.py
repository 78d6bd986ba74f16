"""`pilothouse init`: the first policy, settings and Slack app of a team, from a few answers."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

import typer

from bot.cli.terminal import fail
from bot.domain import identity
from bot.domain.errors import PolicyError
from bot.domain.slack_id import is_user
from bot.domain.source import SCP
from bot.policy.file import parse

POLICY, SETTINGS, MANIFEST, VALUES = "pilothouse.yaml", "pilothouse.env", "slack-app.json", "values.yaml"
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


def init(
    directory: Annotated[Path, typer.Argument(help="Where to write the files.")] = Path(),
    environments: Annotated[str, typer.Option(help="The environments, in the order of promotion.")] = "",
    engineers: Annotated[
        str, typer.Option(help="Who deploys: @groups, e-mail addresses or Slack ids, separated by commas.")
    ] = "",
    approvers: Annotated[str, typer.Option(help="Who approves in the last environment.")] = "",
    admins: Annotated[str, typer.Option(help="Who administers Pilothouse, and may do everything.")] = "",
    channel: Annotated[str, typer.Option(help="Where cards and news go.")] = "",
    argocd: Annotated[str, typer.Option(help="URL of Argo CD.")] = "",
    argocd_project: Annotated[str, typer.Option(help="The AppProject of the Applications.")] = "",
    harbor: Annotated[str, typer.Option(help="URL of Harbor.")] = "",
    harbor_probe: Annotated[
        str, typer.Option(help="A private repository (project/name) that the robot account can see.")
    ] = "",
    overlays: Annotated[str, typer.Option(help="The overlay repository: a git URL, or owner/name on GitHub.")] = "",
    namespace: Annotated[str, typer.Option(help="The namespace of the pipeline runs.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist already.")] = False,
) -> None:
    """Write a first policy, the settings, the manifest of the Slack app and values for Helm.

    Asks for each option that you leave out, and prints the next steps.
    """
    files = [directory / name for name in (POLICY, SETTINGS, MANIFEST, VALUES)]
    if there := [str(file) for file in files if file.exists() and not force]:
        fail(
            f"{', '.join(there)} exist{'s' if len(there) == 1 else ''} already, so nothing was written. "
            f"--force replaces {'it' if len(there) == 1 else 'them'}."
        )
    answers = PlatformAnswers(
        _ask("environments", environments, _names, "Environments, in the order of promotion", USUAL),
        _ask(
            "engineers",
            engineers,
            _people,
            "Who deploys? @groups, e-mail addresses or Slack ids, separated by commas",
            "@engineers",
        ),
        _ask("approvers", approvers, _people, "Who approves in the last environment?", "@release-managers"),
        _ask("admins", admins, _people, "Who administers Pilothouse?", "@platform-admins"),
        _ask("channel", channel, _channel, "Channel for deployments", "#deployments"),
        _ask("argocd", argocd, _url, "URL of Argo CD"),
        _ask("argocd-project", argocd_project, _plain, "AppProject of the Applications", "apps"),
        _ask("harbor", harbor, _url, "URL of Harbor"),
        _ask(
            "harbor-probe",
            harbor_probe,
            _plain,
            "A private repository there (project/name) that the robot account can see",
        ),
        _ask("overlays", overlays, _repository, "Overlay repository: a git URL, or owner/name on GitHub"),
        _ask("namespace", namespace, _plain, "Namespace of the pipeline runs", "ci"),
    )
    policy = policy_text(answers)
    try:
        parse(policy)
    except PolicyError as error:
        fail(f"These answers do not make a valid policy:\n{error}")
    directory.mkdir(parents=True, exist_ok=True)
    for file, text in zip(files, (policy, settings_text(answers), _manifest(), values_text(answers)), strict=True):
        file.write_text(text)
    print(_next_steps(*files))


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

    answer: T = typer.prompt(question, default=usual, value_proc=understood)
    return answer


def policy_text(answers: PlatformAnswers) -> str:
    *earlier, last = answers.environments
    return "\n".join(
        [
            "# What Pilothouse may do, and for whom. Everything else has a default; docs/policy.md lists every key.",
            "# `pilothouse policy check` checks this file; with --slack it also looks each name up.",
            "",
            "# In the order of promotion. Apps need no list: they are found in the overlay repository, as",
            "# apps/<app>/overlays/<environment>/kustomization.yaml.",
            "environments:",
            *(f"  - name: {name}" for name in earlier),
            f"  - name: {last}",
            "    # Nobody approves their own request. `author_approval: false` also keeps out who wrote the commit.",
            "    approval:",
            "      count: 1",
            "      roles: [release-manager]",
            "",
            "# Who may do what. User groups need a paid Slack plan; `users:` (ids) and `emails:` work on every plan.",
            "bindings:",
            *_binding("engineer", answers.engineers),
            *_binding("release-manager", answers.approvers),
            *_binding("admin", answers.admins),
            "",
            "channels:",
            f'  default: "{answers.channel}"',
            "",
        ]
    )


def settings_text(answers: PlatformAnswers) -> str:
    """Variables, one a line, as Docker and Kubernetes read them; without any secret."""
    return "\n".join(
        [
            "# Where things are. Secrets are files in a directory of their own, which PILOTHOUSE_SECRETS_DIR names:",
            "#   slack__bot_token  slack__app_token  argocd__token  harbor__password",
            "#   github__token"
            if _on_github(answers)
            else "#   git__token, or for SSH a key that PILOTHOUSE_GIT__SSH_KEY_FILE names",
            "# docs/reference/settings.md has every setting.",
            f"PILOTHOUSE_POLICY_FILE={POLICY}",
            f"PILOTHOUSE_KUBERNETES__NAMESPACE={answers.namespace}",
            "# In a cluster the bot uses its service account; elsewhere it needs a kubeconfig:",
            "# PILOTHOUSE_KUBERNETES__KUBECONFIG=/path/to/kubeconfig",
            *(f"{name}={value}" for name, value in _addresses(answers).items()),
            "",
        ]
    )


def values_text(answers: PlatformAnswers) -> str:
    """The same for Helm, which sets the paths itself."""
    host = urlsplit(answers.harbor).netloc
    return "\n".join(
        [
            "# helm install pilothouse deploy/bot/chart --namespace pilothouse \\",
            f"#   --values {VALUES} --set-file policy={POLICY}",
            "# deploy/bot/chart/values.yaml documents the rest.",
            "image:",
            "  # Where you pushed the image to.",
            f"  repository: {host}/platform/pilothouse",
            f"pipelineNamespace: {json.dumps(answers.namespace)}",
            "settings:",
            *(f"  {name}: {json.dumps(value)}" for name, value in _addresses(answers).items()),
            "",
        ]
    )


def _addresses(answers: PlatformAnswers) -> dict[str, str]:
    return {
        "PILOTHOUSE_ARGOCD__URL": answers.argocd,
        "PILOTHOUSE_ARGOCD__PROJECT": answers.argocd_project,
        "PILOTHOUSE_HARBOR__URL": answers.harbor,
        "PILOTHOUSE_HARBOR__USERNAME": "robot$pilothouse",
        "PILOTHOUSE_HARBOR__PROBE": answers.harbor_probe,
        f"PILOTHOUSE_{'GITHUB__REPOSITORY' if _on_github(answers) else 'GIT__URL'}": answers.overlays,
    }


def _on_github(answers: PlatformAnswers) -> bool:
    return bool(GITHUB.fullmatch(answers.overlays))


def _binding(role: str, people: People) -> list[str]:
    """Each name under the key that its form belongs to."""
    lines = [f"  - role: {role}"]
    for key, fits in (("groups", GROUP.fullmatch), ("users", is_user), ("emails", identity.address)):
        if found := [one for one in people if fits(one)]:
            lines.append(f"    {key}: {json.dumps(found)}")
    return lines


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
    if not PLAIN.fullmatch(text.strip()):
        raise ValueError(f"{text.strip()!r} is empty, or contains spaces or quotes.")
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


def _manifest() -> str:
    import commands  # the command line must answer --help at once
    from bot.cli.slack_manifest import manifest
    from bot.command import CommandRegistry

    return f"{json.dumps(manifest(CommandRegistry.load(commands), socket_mode=True), indent=2)}\n"


def _next_steps(policy: Path, settings: Path, app: Path, values: Path) -> str:
    return f"""Written: {policy}, {settings}, {app}, and {values} for Helm.

1. In Slack: Create New App → From a manifest, and paste {app}. Install the app, and invite it to its channel.
2. Put each token into a file of its own, all in one directory, and export PILOTHOUSE_SECRETS_DIR=/that/directory:
   slack__bot_token, slack__app_token (with connections:write), argocd__token, harbor__password, and the one for git.
3. pilothouse --env-file {settings} doctor     shows what is still missing, and how to fix it
4. pilothouse --env-file {settings} run"""
