"""`pilothouse init`: the first policy, settings and Slack app of a team, from a few answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bot.cli import init_files as files
from bot.cli.init_answers import PlatformAnswers, asked
from bot.cli.terminal import fail
from bot.domain.errors import PolicyError
from bot.policy.file import parse

Directory = Annotated[Path, typer.Argument(help="Where to write the files.")]
Environments = Annotated[str, typer.Option(help="The environments, in the order of promotion.")]
Engineers = Annotated[
    str, typer.Option(help="Who deploys: @groups, e-mail addresses or Slack ids, separated by commas.")
]
Approvers = Annotated[str, typer.Option(help="Who approves in the last environment.")]
Admins = Annotated[str, typer.Option(help="Who administers Pilothouse, and may do everything.")]
Channel = Annotated[str, typer.Option(help="Where cards and news go.")]
ArgoCD = Annotated[str, typer.Option(help="URL of Argo CD.")]
Project = Annotated[str, typer.Option(help="The AppProject of the Applications.")]
Harbor = Annotated[str, typer.Option(help="URL of Harbor.")]
Probe = Annotated[str, typer.Option(help="A private repository (project/name) that the robot account can see.")]
Overlays = Annotated[str, typer.Option(help="The overlay repository: a git URL, or owner/name on GitHub.")]
Namespace = Annotated[str, typer.Option(help="The namespace of the pipeline runs.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that exist already.")]


def init(
    directory: Directory = Path(),
    environments: Environments = "",
    engineers: Engineers = "",
    approvers: Approvers = "",
    admins: Admins = "",
    channel: Channel = "",
    argocd: ArgoCD = "",
    argocd_project: Project = "",
    harbor: Harbor = "",
    harbor_probe: Probe = "",
    overlays: Overlays = "",
    namespace: Namespace = "",
    force: Force = False,
) -> None:
    """Write a first policy, the settings, the manifest of the Slack app and values for Helm.

    Asks for each option that you leave out, and prints the next steps.
    """
    given = locals()  # the options, by their names
    written = [directory / name for name in (files.POLICY, files.SETTINGS, files.MANIFEST, files.VALUES)]
    if not force:
        _keep(written)
    answers = asked(given)
    texts = (_policy(answers), files.settings_text(answers), files.manifest_text(), files.values_text(answers))
    directory.mkdir(parents=True, exist_ok=True)
    for file, text in zip(written, texts, strict=True):
        file.write_text(text)
    print(files.next_steps(directory, answers))


def _keep(written: Sequence[Path]) -> None:
    """Ends where one of them exists."""
    if there := [str(file) for file in written if file.exists()]:
        fail(
            f"{', '.join(there)} exist{'s' if len(there) == 1 else ''} already, so nothing was written. "
            f"--force replaces {'it' if len(there) == 1 else 'them'}."
        )


def _policy(answers: PlatformAnswers) -> str:
    """Ends where the answers contradict each other."""
    policy = files.policy_text(answers)
    try:
        parse(policy)
    except PolicyError as error:
        fail(f"These answers do not make a valid policy:\n{error}")
    return policy
