"""What needs no world: the list of rights, clocks, and the command itself."""

import json
import subprocess
import sys
import time
from datetime import timedelta
from email.utils import formatdate
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from bot.cli import app
from bot.doctor import policy as policy_checks
from bot.doctor.clocks import compared
from bot.doctor.finding import CheckOutcome, Doubtful, Skipped, Wrong
from bot.doctor.kubernetes import IN_NAMESPACE
from bot.domain.errors import Refused
from bot.policy import parse
from bot.settings import Settings
from integrations.http.date import ahead
from tests.sentences import says

DEPLOY = Path(__file__).parents[4] / "deploy"
NOWHERE = "http://127.0.0.1:1"


def test_the_verbs_that_are_asked_for_are_those_that_are_granted() -> None:
    granted: dict[str, dict[tuple[str, str], tuple[str, ...]]] = {}
    for manifest in yaml.safe_load_all((DEPLOY / "bot/base/rbac.yaml").read_text()):
        for rule in manifest.get("rules", ()):
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    granted.setdefault(manifest["kind"], {})[group, resource] = tuple(rule["verbs"])
    assert granted == {"Role": dict(IN_NAMESPACE)}


@pytest.mark.parametrize(
    ("seconds", "told"), [(31, "31 seconds behind"), (-45, "45 seconds ahead of"), (20, ""), (-20, ""), (0, "")]
)
def test_a_clock_that_is_half_a_minute_off_is_wrong(seconds: float, told: str) -> None:
    """S12: Slack's requests are refused beyond five minutes; tokens sooner."""
    if told:
        with pytest.raises(Wrong, match=told):
            compared(timedelta(seconds=seconds))
    else:
        assert compared(timedelta(seconds=seconds))


def test_the_date_header_is_read_in_any_zone() -> None:
    assert abs(ahead("X", formatdate(time.time() + 60, usegmt=True)).total_seconds() - 60) < 2
    for nonsense in ("", "yesterday"):
        with pytest.raises(Refused, match="does not say the time"):
            ahead("X", nonsense)


def test_the_command_shows_a_table_or_json_and_exits_with_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = ["xoxb-canary-of-slack", "canary-of-argocd"]
    policy = tmp_path / "pilothouse.yaml"
    policy.write_text("bindings: []\n")
    monkeypatch.setenv("PILOTHOUSE_POLICY_FILE", str(policy))
    monkeypatch.setenv("PILOTHOUSE_SLACK__BOT_TOKEN", secrets[0])
    monkeypatch.setenv("PILOTHOUSE_ARGOCD__TOKEN", secrets[1])
    for name in ("ARGOCD__URL", "HARBOR__URL", "SLACK__API_URL"):
        monkeypatch.setenv(f"PILOTHOUSE_{name}", NOWHERE)
    monkeypatch.setenv("PILOTHOUSE_DATABASE_URL", f"sqlite:///{tmp_path}/none.db")
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["good"] is False
    assert set(told["findings"][0]) == {"system", "subject", "outcome", "detail", "fix"}
    table = CliRunner().invoke(app, ["doctor"])
    assert table.exit_code == 1
    assert {"✓", "✗", "–"} <= set(table.stdout)
    assert "→ Set PILOTHOUSE_GITHUB__REPOSITORY" in " ".join(table.stdout.split())
    assert not any(secret in output for output in (result.output, table.output) for secret in secrets)


def test_a_start_imports_nothing_that_is_large_and_not_needed() -> None:
    """Of the Kubernetes client neither what is generated for an API, nor what is synchronous, the checks included."""
    program = (
        "import sys, bot.app.lifetime\n"
        "unneeded = {'rich', 'jwt', 'cryptography', 'securesystemslib', 'rapidfuzz', 'alembic', 'urllib3'}\n"
        "print(unneeded & set(sys.modules))\n"
        "import bot.doctor, rich.console\n"
        "generated = ('kubernetes.aio.client.api.', 'kubernetes.aio.client.models.')\n"
        "print([one for one in sys.modules if one.startswith(generated)])\n"
        "print({'kubernetes.client', 'requests'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split("\n") == ["set()", "[]", "set()", ""]


async def test_production_that_is_left_open_is_a_warning_with_its_remedy() -> None:
    async def look(text: str) -> str:
        checks = policy_checks.checks(Settings(), policy_checks.PolicyFile(parse(text)), None)
        return await next(check for check in checks if check.subject == "production").look()

    assert says(await look(""), "production", "approval", "earlier environments")
    with pytest.raises(Skipped):
        await look("environments: [{name: a}, {name: b}]")
    with pytest.raises(Doubtful) as told:
        await look("environments: [{name: a}, {name: prod, gates: {order: false}}]")
    assert "`gates.order`" in told.value.detail
    assert told.value.outcome is CheckOutcome.WARNING
