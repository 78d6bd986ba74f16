"""What `pilothouse init` writes: the texts of its files."""

import json
import shlex
from pathlib import Path
from urllib.parse import urlsplit

from bot.cli.init_answers import GROUP, People, PlatformAnswers
from bot.domain import identity
from bot.domain.slack_id import is_user

POLICY, SETTINGS, MANIFEST, VALUES = "pilothouse.yaml", "pilothouse.env", "slack-app.json", "values.yaml"


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
            if answers.on_github
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
        f"PILOTHOUSE_{'GITHUB__REPOSITORY' if answers.on_github else 'GIT__URL'}": answers.overlays,
    }


def _binding(role: str, people: People) -> list[str]:
    """Each name under the key that its form belongs to."""
    lines = [f"  - role: {role}"]
    for key, fits in (("groups", GROUP.fullmatch), ("users", is_user), ("emails", identity.address)):
        if found := [one for one in people if fits(one)]:
            lines.append(f"    {key}: {json.dumps(found)}")
    return lines


def manifest_text() -> str:
    import commands  # the command line must answer --help at once
    from bot.cli.slack_manifest import manifest
    from bot.command import CommandRegistry

    return f"{json.dumps(manifest(CommandRegistry.load(commands), socket_mode=True), indent=2)}\n"


def next_steps(directory: Path, answers: PlatformAnswers) -> str:
    """What to do with the files in `directory`; the commands work as they are printed."""
    enter = "" if directory.resolve() == Path.cwd() else f"cd {shlex.quote(str(directory))} && "
    git = "github__token" if answers.on_github else "git__token (not for SSH)"
    return f"""Written to {directory.resolve()}: {POLICY}, {SETTINGS}, {MANIFEST}, and {VALUES} for Helm.

1. In Slack: Create New App → From a manifest, and paste {MANIFEST}. Install the app, and invite it to its channel.
2. Put each token into a file of its own, all in one directory, and export PILOTHOUSE_SECRETS_DIR=/that/directory:
   slack__bot_token, slack__app_token (with connections:write), argocd__token, harbor__password, {git}
3. {enter}pilothouse --env-file {SETTINGS} doctor     shows what is still missing, and how to fix it
4. {enter}pilothouse --env-file {SETTINGS} run"""
