"""A pipeline prints a credential: nobody is shown it. And what is no credential stays readable.

The credentials are made here, of the shapes that their makers give them.
"""

import base64
import json
import time

import pytest

from bot.domain.pipeline import StepLog
from bot.runtime.redaction import Redactor

A24, A36, HEX40, HEX64 = "aB3dE5gH7jK9mN1pQ3rS5tU7", "a1B2" * 9, "0a1b2c3d4e" * 4, "0123456789abcdef" * 4
PASSWORD = "hunter2-Zx9"
BASIC = base64.b64encode(f"ana:{PASSWORD}".encode()).decode()
AZURE_KEY = base64.b64encode(bytes(range(64))).decode()

PRINTED = {
    # Vault
    "Vault service token": ("VAULT says hvs.CAESI" + A36, "hvs."),
    "Vault batch token": ("hvb.AAAAAQ" + A36 + A36, "hvb."),
    "Vault recovery token": ("hvr." + A24, "hvr."),
    "old Vault token": (f"token s.{A24}", A24),
    "Vault header": (f"X-Vault-Token: {PASSWORD}", PASSWORD),
    "Vault header to curl": (f"curl -H 'X-Vault-Token: {PASSWORD}' https://vault", PASSWORD),
    "Vault in a variable": (f"VAULT_TOKEN={PASSWORD}", PASSWORD),
    # Docker
    "Docker auth": (json.dumps({"auths": {"harbor.example.com": {"auth": BASIC}}}), BASIC),
    "Docker auth, compact": ('{"auths":{"h":{"auth":"' + BASIC + '"}}}', BASIC),
    "Docker auth, escaped": ('{\\"auths\\":{\\"h\\":{\\"auth\\":\\"' + BASIC + '\\"}}}', BASIC),
    "Docker password": ('{"username":"ana","password":"' + PASSWORD + '"}', PASSWORD),
    "Docker password, escaped": ('{\\"password\\":\\"' + PASSWORD + '\\"}', PASSWORD),
    "identity token": ('{"identitytoken":"' + A36 + '"}', A36),
    "dockerconfigjson": (f".dockerconfigjson: {BASIC}{BASIC}", BASIC),
    "Docker Hub token": ("dckr_pat_" + A36, A36),
    "docker login": (f"docker login -u ana -p {PASSWORD} harbor.example.com", PASSWORD),
    "docker login, glued": (f"podman login harbor -u ana -p{PASSWORD}", PASSWORD),
    "docker login --password": (f"docker login --password {PASSWORD} -u ana", PASSWORD),
    "docker login --password=": (f"docker login --password={PASSWORD} -u ana", PASSWORD),
    "skopeo": (f"skopeo copy --src-creds ana:{PASSWORD} docker://a docker://b", PASSWORD),
    "skopeo destination": (f"skopeo copy --dest-creds=ana:{PASSWORD} docker://a", PASSWORD),
    "helm": (f"helm registry login -u ana -p '{PASSWORD}' harbor", PASSWORD),
    # curl
    "curl -u": (f"curl -u ana:{PASSWORD} https://x.example.com", PASSWORD),
    "curl -u, glued": (f"curl -uana:{PASSWORD} https://x.example.com", PASSWORD),
    "curl -sSu": (f"+ curl -sSu ana:{PASSWORD} https://x.example.com", PASSWORD),
    "curl -u, quoted": (f'curl -u "ana:{PASSWORD}" https://x.example.com', PASSWORD),
    "curl -u on a line of its own": (f"curl \\\n  -u ana:{PASSWORD} \\\n  https://x", PASSWORD),
    "curl --user": (f"curl --user ana:{PASSWORD} https://x.example.com", PASSWORD),
    "curl --user=": (f"curl --user=ana:{PASSWORD} https://x.example.com", PASSWORD),
    "curl --proxy-user": (f"curl --proxy-user ana:{PASSWORD} https://x", PASSWORD),
    "curl as a list": (f'["curl", "-u", "ana:{PASSWORD}", "https://x"]', PASSWORD),
    "netrc": (f"machine git.example.com login ana password {PASSWORD}", PASSWORD),
    # headers
    "Azure Functions": (f"curl -H 'x-functions-key: {PASSWORD}' https://x", PASSWORD),
    "Azure API Management": (f"Ocp-Apim-Subscription-Key: {PASSWORD}", PASSWORD),
    "Bearer": (f"Authorization: Bearer {PASSWORD}", PASSWORD),
    "Basic": (f"> Authorization: Basic {BASIC}", BASIC),
    "token": (f"authorization: token {PASSWORD}", PASSWORD),
    "proxy": (f"Proxy-Authorization: Basic {BASIC}", BASIC),
    "header as JSON": ('{"Authorization":"Bearer ' + A36 + '"}', A36),
    "header as JSON, escaped": ('{\\"Authorization\\": \\"Bearer ' + A36 + '\\"}', A36),
    "bearer alone": (f"sent bearer {A36}", A36),
    "cookie": (f"Cookie: session={PASSWORD}; other={A24}", PASSWORD),
    "set-cookie": (f"< Set-Cookie: sid={PASSWORD}; HttpOnly", PASSWORD),
    "private token": (f"PRIVATE-TOKEN: {PASSWORD}", PASSWORD),
    "API key": (f"x-api-key: {PASSWORD}", PASSWORD),
    # URLs
    "URL": (f"https://ana:{PASSWORD}@git.example.com/x.git", PASSWORD),
    "Postgres": (f"postgresql://ana:{PASSWORD}@db:5432/app", PASSWORD),
    "Redis without a user": (f"redis://:{PASSWORD}@redis:6379", PASSWORD),
    "AMQP": (f"amqp+ssl://ana:{PASSWORD}@mq/", PASSWORD),
    "token as the user": (f"https://{A36}@git.example.com/x.git", A36),
    # Azure
    "storage": (f"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={AZURE_KEY};EndpointSuffix=y", AZURE_KEY),
    "service bus": (f"Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey={AZURE_KEY}", AZURE_KEY),
    "SAS": ("https://x.blob.core.windows.net/c?sv=2023&sig=" + A36 + "%3D&se=1", A36),
    "SharedAccessSignature": ("SharedAccessSignature sr=x&sig=" + A36 + "&se=1&skn=y", A36),
    "client secret": ("abc8Q~" + "aB3~._-xY9" * 3 + "zzzz", "8Q~"),
    "client secret by name": (f"AZURE_CLIENT_SECRET={PASSWORD}", PASSWORD),
    "client secret as a flag": (f"az login --client-secret {PASSWORD}", PASSWORD),
    # AWS
    "access key": ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
    "session key": ("ASIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
    "secret key": (f"AWS_SECRET_ACCESS_KEY={A36}", A36),
    "session token": (f'"SessionToken":"{A36}"', A36),
    # GitHub, GitLab, Slack, Google
    **{f"GitHub {kind}": (f"x {kind}_{A36} y", A36) for kind in ("ghp", "gho", "ghu", "ghs", "ghr")},
    "GitHub fine-grained": ("github_pat_11ABC_" + A36 + A36, A36),
    "GitLab": ("glpat-" + A24, A24),
    "GitLab deploy": ("gldt-" + A24, A24),
    "GitLab runner": ("glrt-" + A24, A24),
    **{f"Slack {kind}": (f"{kind}-123456789012-{A24}", A24) for kind in ("xoxb", "xoxp", "xoxa", "xapp-1")},
    "Slack webhook": ("https://hooks.slack.com/services/T000/B000/" + A24, A24),
    "Google": ("AIza" + "aB3d_" * 7, "aB3d_"),
    "Google OAuth": ("ya29." + A36, A36),
    # packages
    "npm": ("npm_" + A36, A36),
    "npmrc": (f"//registry/:_authToken={A36}", A36),
    "PyPI": ("pypi-AgEIcHlwaS5vcmc" + A36, A36),
    "RubyGems": ("rubygems_" + HEX40 + "00000000", HEX40),
    # others
    "JWT": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0." + A24, "eyJzdWIi"),
    "Stripe": ("sk_live_" + A24, A24),
    "SendGrid": ("SG." + A24 + "." + A36, A36),
    "DigitalOcean": ("dop_v1_" + HEX64, HEX64),
    "mysql": (f"mysql -h db -u root -p{PASSWORD} app", PASSWORD),
    "sshpass": (f"sshpass -p {PASSWORD} ssh host", PASSWORD),
    "YAML": (f"password: {PASSWORD}", PASSWORD),
    "Python": (f"{{'api_key': '{PASSWORD}'}}", PASSWORD),
}


@pytest.mark.parametrize("kind", PRINTED)
@pytest.mark.parametrize(
    "around", ["{}", "2027-01-05T09:00:00Z {}", "  {}  # done", "before\n{}\nafter", "\x1b[31m{}\x1b[0m"]
)
def test_a_credential_that_is_printed_is_not_shown(kind: str, around: str) -> None:
    printed, secret = PRINTED[kind]
    shown = Redactor().text(around.format(printed))
    assert secret not in shown
    assert "[secret]" in shown


KEY_KINDS = [
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "DSA PRIVATE KEY",
    "OPENSSH PRIVATE KEY",
    "PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "PGP PRIVATE KEY BLOCK",
]


@pytest.mark.parametrize("kind", KEY_KINDS)
def test_a_private_key_that_is_printed_is_not_shown(kind: str) -> None:
    lines = ("before", f"-----BEGIN {kind}-----", AZURE_KEY, A36, f"-----END {kind}-----", "after")
    assert Redactor().log(StepLog("build", "push", lines)).lines == ("before", "[secret]", "after")


HARMLESS = [
    f"digest: sha256:{HEX64}",
    f"harbor.example.com/apps/my-app@sha256:{HEX64}",
    f"Successfully built {HEX40[:12]}",
    f"HEAD is now at {HEX40[:7]} Fix the login",
    f"commit {HEX40}",
    f"refs/heads/main -> {HEX40}",
    "docker run -p 8080:80 -u 1000:1000 my-app",
    "docker run --rm -u 0:0 -v /a:/b my-app:1.4.2",
    "kubectl port-forward svc/my-app -p 80:8080",
    "git push -u origin main",
    "git push -u https://git.example.com/acme/my-app.git",
    "curl -u $USER:$PASSWORD https://x",
    "curl --user ${USER}:${PASSWORD} https://x",
    "docker login -u ana -p $PASSWORD harbor",
    "docker login --password-stdin harbor",
    "mkdir -p build/out",
    "pip install s.py",
    "s.replace(old, new)",
    "auth: successful",
    "authentication succeeded for ana",
    "token=$TOKEN password=${PASSWORD}",
    "secret/my-app created",
    "passwords match",
    "version 1.4.2-rc.1+build.20270105",
    "my-app:2027.01.05-0a1b2c3",
    "node_modules/token-types/index.js",
    "https://git.example.com/acme/my-app/compare/a...b",
    "https://harbor.example.com/harbor/projects/1?sig=short",
    "sha512-" + "A" * 8 + "==",
    "signature verified: sig=ok",
    "Set-cookie handling: 3 tests passed",
    "machine learning model loaded",
    "ledger.example.com:8443",
    "eyJ is how a JWT begins",
    "SG.1 is a group",
    "the hvs. prefix is Vault's",
    "npm_config_cache=/cache",
    "basic usage of the library",
    "Bearer of good news",
    "uuid 123e4567-e89b-12d3-a456-426614174000",
]


@pytest.mark.parametrize("printed", HARMLESS)
def test_what_is_no_credential_stays(printed: str) -> None:
    assert Redactor().text(printed) == printed


HELD = "held-by-the-bot/+?=Zq"


@pytest.mark.parametrize(
    "encode",
    [
        str,
        lambda s: base64.b64encode(s.encode()).decode(),
        lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
        lambda s: base64.b64encode(f"ana:{s}".encode()).decode(),
        lambda s: json.dumps({"x": s}),
    ],
)
def test_what_the_bot_holds_is_hidden_in_every_form(encode: object) -> None:
    assert callable(encode)
    shown = Redactor(lambda: [HELD]).text(f"echo {encode(HELD)}")
    assert "[secret]" in shown
    assert HELD not in shown


@pytest.mark.parametrize(
    "printed",
    [
        "docker login ",
        "-u ",
        "-u a:",
        '"auth":"',
        "machine x login ",
        "hvs.",
        "s.a1",
        "mysql -p",
        "sig=",
        "AccountKey=",
        "Cookie: ",
        "abc8Q~",
        ':\\"',
        "a:b ",
    ],
)
def test_no_pattern_takes_long(printed: str) -> None:
    """A megabyte is printed in a moment; each pattern looks at a character a few times only."""
    text = printed * (60_000 // len(printed))
    begun = time.process_time()
    Redactor().text(text)
    assert time.process_time() - begun < 6
