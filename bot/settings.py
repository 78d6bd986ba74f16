"""Where things are: URLs, tokens and directories, from the environment or from mounted secret files.

Every setting is an environment variable `PILOTHOUSE_<GROUP>__<NAME>` (for example `PILOTHOUSE_ARGOCD__URL`) or a file
of that name, in lower case, in the directory `PILOTHOUSE_SECRETS_DIR` (`argocd__token`); the environment wins. What the
bot *may* do is not here: that is policy (`pilothouse.yaml`).

A secret in a file is read again whenever it is used and has changed, so rotated credentials need no restart.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FilePath, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

SECRETS_DIR = "PILOTHOUSE_SECRETS_DIR"


class Credential:
    """A secret that may live in a file which changes under us. Its repr never shows it."""

    def __init__(self, value: SecretStr | None, file: Path | None) -> None:
        self._value = value
        self._file = file
        self._read: tuple[int, str] | None = None

    def __bool__(self) -> bool:
        return self._value is not None or self._file is not None

    def __call__(self) -> str:
        """The secret as it is now; "" when none is configured. Raises OSError when its file cannot be read."""
        if self._file is None:
            return self._value.get_secret_value() if self._value else ""
        changed = self._file.stat().st_mtime_ns
        if self._read is None or self._read[0] != changed:
            self._read = (changed, self._file.read_text().strip())
        return self._read[1]

    def __repr__(self) -> str:
        return "Credential(set)" if self else "Credential(not set)"


class Group(BaseModel):
    """Settings of one system. `<name>_file` names a file to read the secret `<name>` from, at each use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def credential(self, name: str) -> Credential:
        return Credential(getattr(self, name), getattr(self, f"{name}_file"))

    def secrets(self) -> list[str]:
        """The group's secrets as they are now; one whose file cannot be read is left out."""
        found = []
        for name in type(self).model_fields:
            if f"{name}_file" in type(self).model_fields:
                with suppress(OSError):
                    found.append(self.credential(name)())
        return [secret for secret in found if secret]


class Tls(Group):
    """How HTTPS is verified. Proxies are taken from HTTPS_PROXY, HTTP_PROXY and NO_PROXY as usual."""

    ca_bundle: FilePath | None = Field(None, description="PEM file with the authorities to trust besides the system's.")
    client_cert: FilePath | None = Field(None, description="PEM file with a client certificate.")
    client_key: FilePath | None = Field(None, description="PEM file with the client certificate's key.")


class SlackSettings(Tls):
    bot_token: SecretStr | None = Field(None, description="Bot token (xoxb-…).")
    bot_token_file: Path | None = None
    app_token: SecretStr | None = Field(
        None, description="App-level token (xapp-…) with connections:write; Socket Mode."
    )
    app_token_file: Path | None = None
    signing_secret: SecretStr | None = Field(None, description="Signing secret; HTTP mode.")
    signing_secret_file: Path | None = None
    mode: str = Field("socket", pattern="^(socket|http)$", description='"socket" (no public URL needed) or "http".')
    api_url: str = Field("https://slack.com/api/", description="Base URL of the Web API: Slack has only this one.")


class ArgoCDSettings(Tls):
    url: str = Field("", description="Base URL of the Argo CD API server.")
    token: SecretStr | None = Field(None, description="Token of an apiKey account or project role.")
    token_file: Path | None = None
    web_url: str = Field("", description='Base URL for links, where people reach it by another name; "" = URL.')
    project: str = Field(
        "",
        description="AppProject of the Applications. Only with it does Argo CD say which ones are missing.",
    )


class HarborSettings(Tls):
    url: str = Field("", description="Base URL of Harbor.")
    web_url: str = Field("", description='Base URL for links, where people reach it by another name; "" = URL.')
    hosts: str = Field(
        "", description='Hosts that images name it by, separated by commas; "" = that of the URL. Others are refused.'
    )
    username: str = Field("", description="Robot account, with its prefix (robot$pilothouse).")
    password: SecretStr | None = Field(None, description="The robot account's secret.")
    password_file: Path | None = None
    probe: str = Field(
        "", description="A private repository (project/name) that the robot can see, which proves its login."
    )


class KubernetesSettings(Group):
    kubeconfig: Path | None = Field(None, description="kubeconfig file; absent = in-cluster service account.")
    context: str = Field("", description='Context in the kubeconfig; "" = its current one.')
    namespace: str = Field("ci", description="Namespace of the PipelineRuns; deploy/ has them in ci.")
    service_account: str = Field("", description='Service account of the runs; "" = Tekton\'s default.')
    storage: str = Field(
        "1Gi",
        description="Size of the volume claimed for each workspace of a run, as a Kubernetes quantity. "
        "1Gi holds a checkout and the layers of a small image.",
    )
    fs_group: int = Field(0, ge=0, description="Group that owns the workspaces of a run; 0 = the cluster's default.")


class GitSettings(Tls):
    """The overlay repository: any git remote by `url`, or GitHub by `github_repository`."""

    url: str = Field("", description="Remote of the overlay repository: https://… or ssh://….")
    branch: str = Field("main", description="Branch that Argo CD follows; git hosts call the first one main.")
    aliases: tuple[str, ...] = Field(
        (), description="Other URLs by which Argo CD's Applications name the same repository, as JSON: a mirror's."
    )
    username: str = Field(
        "git", description="User name that goes with the token; most git hosts take any name, and look at the token."
    )
    token: SecretStr | None = Field(None, description="Token for HTTPS.")
    token_file: Path | None = None
    ssh_key_file: Path | None = Field(None, description="Private key for SSH.")
    known_hosts_file: Path | None = Field(None, description="Known hosts for SSH.")
    committer_name: str = Field("Pilothouse", description="Committer of promotions; the author is the person.")
    committer_email: str = Field("pilothouse@localhost", description="Committer's e-mail; nobody gets mail there.")
    commit_url: str = Field("", description='Web page of a commit, with "{sha}" in it; for links on cards.')


class GitHubSettings(Tls):
    """GitHub by App or by token; used for the overlay repository when `repository` is set."""

    api_url: str = Field(
        "https://api.github.com",
        description="Base URL of the REST API, github.com's if you do not run your own; GraphQL is beside it.",
    )
    repository: str = Field("", description='Overlay repository "owner/name"; "" = use PILOTHOUSE_GIT__URL.')
    app_id: str = Field("", description="Client id or app id of the GitHub App.")
    installation_id: str = Field("", description="Installation id of the GitHub App.")
    private_key: SecretStr | None = Field(None, description="PEM private key of the GitHub App.")
    private_key_file: Path | None = None
    token: SecretStr | None = Field(None, description="Token, instead of an App.")
    token_file: Path | None = None


class AlertmanagerSettings(Tls):
    url: str = Field("", description='Base URL of Alertmanager; "" = no alert gate.')
    token: SecretStr | None = Field(None, description="Bearer token, where a proxy guards Alertmanager.")
    token_file: Path | None = None


class WebhookSettings(Group):
    """Secrets that the senders of webhooks prove they know; a receiver without its secret refuses everything."""

    github_secret: SecretStr | None = Field(None, description="HMAC secret of the GitHub webhook.")
    github_secret_file: Path | None = None
    harbor_token: SecretStr | None = Field(
        None, description="Value of the Authorization header (`auth_header`) in Harbor's webhook policy."
    )
    harbor_token_file: Path | None = None
    alertmanager_token: SecretStr | None = Field(None, description="Bearer token of the Alertmanager receiver.")
    alertmanager_token_file: Path | None = None
    tekton_token: SecretStr | None = Field(None, description="Password in the address of the Tekton CloudEvents sink.")
    tekton_token_file: Path | None = None
    pipeline_token: SecretStr | None = Field(
        None, description="Bearer token with which a pipeline asks whether its overlay is held back."
    )
    pipeline_token_file: Path | None = None


class Settings(BaseSettings):
    """All of it. `Settings()` reads the environment; raises pydantic's ValidationError naming each wrong variable."""

    model_config = SettingsConfigDict(
        env_prefix="PILOTHOUSE_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    policy_file: Path = Field(
        Path("pilothouse.yaml"), description="The policy file; `pilothouse init` writes it into the current directory."
    )
    database_url: str = Field(
        "sqlite:///pilothouse.db",
        repr=False,  # it may hold a password
        description="SQLAlchemy URL: sqlite:///FILE needs no server, for one replica; postgresql://… for several.",
    )
    database_url_file: Path | None = Field(
        None,
        description="File to read database_url from; a rotated Postgres password in it needs no restart.",
    )
    replica: str = Field(
        "pilothouse-0",
        description="Name of this replica, the same after a restart: the pod's in a StatefulSet, whose first is 0.",
    )
    data_dir: Path = Field(
        Path(), description="Directory for caches (git objects), by default the current one; may be lost."
    )
    host: str = Field("0.0.0.0", description="Address of the HTTP port; probes come from outside the pod.")  # noqa: S104
    port: int = Field(
        8080,
        ge=0,
        le=65535,
        description="HTTP port for /livez /readyz /metrics, webhooks, and Slack in HTTP mode; 8080 needs no rights.",
    )
    log_format: str = Field(
        "json", pattern="^(json|console)$", description='"json" for collectors, or "console" for people.'
    )
    log_level: Annotated[str, BeforeValidator(str.lower)] = Field(
        "info",
        pattern="^(debug|info|warning|error)$",
        description="Level of the log: debug, info, warning, error. info has each step of a promotion.",
    )
    shutdown_seconds: Annotated[float, Field(ge=0)] = Field(
        20, description="Seconds that running handlers have to end; deploy/ has Kubernetes wait for 20 seconds more."
    )
    follow_interval_seconds: Annotated[float, Field(gt=0)] = Field(
        2,
        description="Seconds between two looks at what Argo CD has done with a commit. They are requests only while "
        "its stream is lost: then 2 seconds are 30 requests a minute for each Application.",
    )

    slack: SlackSettings = SlackSettings()
    argocd: ArgoCDSettings = ArgoCDSettings()
    argocd_instances: dict[str, ArgoCDSettings] = Field(
        {}, description="More Argo CDs, by the name that policy gives them."
    )
    harbor: HarborSettings = HarborSettings()
    kubernetes: KubernetesSettings = KubernetesSettings()
    git: GitSettings = GitSettings()
    github: GitHubSettings = GitHubSettings()
    alertmanager: AlertmanagerSettings = AlertmanagerSettings()
    webhooks: WebhookSettings = WebhookSettings()

    def secrets(self) -> list[str]:
        """Every secret as it is now: what a log must never show."""
        groups = [*(getattr(self, name) for name in type(self).model_fields), *self.argocd_instances.values()]
        found = [secret for group in groups if isinstance(group, Group) for secret in group.secrets()]
        urls = [self.database_url]
        if self.database_url_file:
            with suppress(OSError, ValueError):
                urls.append(self.database_url_file.read_text())
        passwords = [password for url in urls if (password := urlsplit(url.strip()).password)]
        return [*found, *dict.fromkeys(form for password in passwords for form in (password, unquote(password)))]

    @model_validator(mode="before")
    @classmethod
    def _read_database_url(cls, given: dict[str, Any]) -> dict[str, Any]:
        """What is set itself wins over the file. Raises ValueError where that cannot be read."""
        file = given.get("database_url_file")
        if not file:
            return given
        if "database_url" in given:
            return {name: value for name, value in given.items() if name != "database_url_file"}
        try:
            return {**given, "database_url": Path(file).read_text().strip()}
        except OSError as error:
            raise ValueError(f"PILOTHOUSE_DATABASE_URL_FILE cannot be read: {error.strerror}") from error

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the base class names it)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, env_settings, MountedSecrets(settings_cls))


def variables() -> frozenset[str]:
    """Every variable that there is, but for those of `argocd_instances`, which name the instance."""
    found = {SECRETS_DIR}
    for name, field in Settings.model_fields.items():
        group = field.annotation
        inner = group.model_fields if isinstance(group, type) and issubclass(group, Group) else {"": None}
        found |= {"__".join(filter(None, (f"PILOTHOUSE_{name}", one))).upper() for one in inner}
    return frozenset(found)


class MountedSecrets(PydanticBaseSettingsSource):
    """Files `<group>__<name>` of the secrets directory become `<group>.<name>_file`, so that they are re-read."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        directory = os.environ.get(SECRETS_DIR)
        if not directory:
            return {}
        found: dict[str, Any] = {}
        for file in sorted(Path(directory).iterdir()):
            group, delimiter, name = file.name.lower().partition("__")
            if not delimiter:
                if group == "database_url":
                    found["database_url_file"] = file
                continue
            found.setdefault(group, {})[f"{name}_file"] = file
        return found
