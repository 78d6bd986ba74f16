"""`pilothouse policy check` and `test`, as a team's CI runs them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli import app
from tests.sentences import says

POLICY = """
environments:
  - name: development
  - name: staging
  - name: production
    approval: {count: 2, roles: [release-manager], required: [admin], author_approval: false}
    rollback: {approval: {count: 1, required: [], author_approval: true}}
    gates:
      freeze:
        exempt_roles: [admin]
        windows:
          - {cron: "0 17 * * FRI", duration: 63h, timezone: Europe/Berlin, reason: the weekend}
bindings:
  - {role: engineer, groups: [engineers]}
  - {role: release-manager, groups: [release-managers]}
  - {role: admin, users: [U0DEE]}
  - {role: release-manager, users: [U0DEE]}
"""
ROLES = """  engineer: [view, promote]
  release-manager: [view, approve]
  admin: [administer, approve]
  auditor: [approve]
"""
PEOPLE = """
people:
  ana: {groups: [engineers], email: ana@example.com}
  bo: {groups: [release-managers], email: bo@example.com}
  mia: {groups: [release-managers]}
  dee: {user: U0DEE, email: dee@example.com}
  gus: {groups: [engineers], guest: true}
"""


def run(tmp_path: Path, cases: str, policy: str = POLICY) -> Result:
    (tmp_path / "pilothouse.yaml").write_text(policy)
    (tmp_path / "cases.yaml").write_text(cases)
    arguments = ["policy", "test", str(tmp_path / "cases.yaml"), "--policy", str(tmp_path / "pilothouse.yaml")]
    return CliRunner().invoke(app, arguments)


def holds(tmp_path: Path, kind: str, case: str) -> bool:
    result = run(tmp_path, f"{PEOPLE}\n{kind}:\n  - {case}\n")
    assert (result.exit_code == 0) == ("1 case passed." in result.output), result.output
    assert ("WRONG" in result.output) == (result.exit_code != 0), result.output
    return result.exit_code == 0


@pytest.mark.parametrize(
    ("case", "so"),
    [
        ("who: ana, may: promote, app: my-app, environment: prod", True),
        ("who: ana, may: approve, app: my-app, environment: production", False),
        ("who: bo, may: approve, app: my-app, environment: production", True),
        ("who: gus, may: view", False),
        ("who: {groups: ['@release-managers']}, may: freeze, environment: staging", True),
        ("who: {user: U0DEE, active: false}, may: view", False),
        ("who: {user: U0DEE, guest: true}, may: administer", True),
    ],
)
def test_who_may_what(tmp_path: Path, case: str, so: bool) -> None:
    assert holds(tmp_path, "permissions", f"{{{case}, expect: {'yes' if so else 'no'}}}")
    assert not holds(tmp_path, "permissions", f"{{{case}, expect: {'no' if so else 'yes'}}}")


@pytest.mark.parametrize(
    ("case", "so"),
    [
        ("environment: production, requester: ana, approved_by: [bo, dee], authors: [x@example.com]", True),
        ("environment: production, requester: ana, approved_by: [bo, bo, bo], authors: [x@example.com]", False),
        ("environment: production, requester: ana, approved_by: [bo, mia], authors: [x@example.com]", False),
        ("environment: production, requester: bo, approved_by: [bo, dee], authors: [x@example.com]", False),
        ("environment: production, requester: ana, approved_by: [bo, dee], authors: [bo@example.com]", False),
        ("environment: production, requester: ana, approved_by: [ana, dee], authors: [x@example.com]", False),
        ("environment: production, requester: ana, approved_by: [mia], kind: rollback", True),
        ("environment: production, requester: ana, approved_by: [bo, dee]", False),  # nobody knows who wrote it
        # Without an address nobody can tell her apart from the author.
        ("environment: production, requester: ana, approved_by: [bo, {user: U0DEE}], authors: [x@example.com]", False),
        ("environment: staging, requester: ana", True),
    ],
)
def test_who_is_enough(tmp_path: Path, case: str, so: bool) -> None:
    assert holds(tmp_path, "approvals", f"{{app: my-app, {case}, expect: {'yes' if so else 'no'}}}")
    assert not holds(tmp_path, "approvals", f"{{app: my-app, {case}, expect: {'no' if so else 'yes'}}}")


@pytest.mark.parametrize(
    ("case", "so"),
    [
        ("at: 2026-01-09T16:59:00+01:00, expect: open", True),
        ("at: 2026-01-09T17:00:00+01:00, expect: frozen", True),
        ("at: 2026-01-09T17:00:00+01:00, expect: frozen, opens: 2026-01-12T08:00:00+01:00", True),
        ("at: 2026-01-09T17:00:00+01:00, expect: frozen, opens: 2026-01-12T09:00:00+01:00", False),
        ("at: 2026-01-09T17:00:00+01:00, who: ana, expect: open", False),
        ("at: 2026-01-09T17:00:00+01:00, who: dee, expect: open", True),
    ],
)
def test_when_it_is_open(tmp_path: Path, case: str, so: bool) -> None:
    assert holds(tmp_path, "freezes", f"{{app: my-app, environment: production, {case}}}") is so


def test_a_case_that_does_not_hold_says_why(tmp_path: Path) -> None:
    result = run(tmp_path, PEOPLE + "permissions:\n  - {who: ana, may: freeze, environment: prod, expect: yes}\n")
    assert result.exit_code == 1
    assert "You do not have the `freeze` permission" in result.output
    assert "1 of 1 case failed." in result.output


@pytest.mark.parametrize(
    ("cases", "says"),
    [
        ("", "has no cases"),
        ("permissions: [{who: zoe, may: view, expect: yes}]", "there is nobody called 'zoe'"),
        ("permissions: [{who: {user: U1}, may: fly, expect: yes}]", "permissions.0.may"),
        ("permissions: [{who: {user: U1}, may: view}]", "permissions.0.expect"),
        ("freezes: [{app: a, environment: mars, at: 2026-01-09T17:00:00Z, expect: open}]", "no environment 'mars'"),
        ("freezes: [{app: a, environment: prod, at: 2026-01-09T17:00:00, expect: open}]", "a time with its zone"),
        ("a: [", "not valid YAML"),
    ],
)
def test_a_mistake_in_the_cases_is_never_a_pass(tmp_path: Path, cases: str, says: str) -> None:
    result = run(tmp_path, cases)
    assert result.exit_code == 1
    assert says in result.output


def test_a_gate_s_mistake_is_told_once_and_where_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "pilothouse.yaml"
    file.write_text(
        "environments:\n- name: a\n  gates:\n    scan: {threshold: sever}\n"
        "apps:\n"
        "  web:\n    environments:\n      a:\n        gates:\n          scan:\n            starts: true\n"
        "  api: {}\n"
    )
    result = CliRunner().invoke(app, ["policy", "check", str(file)])
    told = [line.partition(": ")[2] for line in result.output.splitlines() if "gates.scan" in line]
    assert [said.partition(":")[0] for said in told] == [
        "environments.a.gates.scan.threshold",
        "web.a.gates.scan.starts",
    ]
    assert "pilothouse.yaml:4: environments" in result.output
    assert "pilothouse.yaml:11: web" in result.output


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ("environments:\n- name: a\n  gates: {frezze: {}}\n", "unknown gate. Did you mean `freeze`?"),
        ("environments:\n- name: a\n  gates: {soak: {minuts: 3}}\n", "environments.a.gates.soak.minuts"),
        ("environments:\n- name: a\n  gates: {signature: {}}\n", "environments.a.gates.signature.keys"),
        (
            "environments:\n- name: a\n  gates:\n    scan:\n      start: true\n      threshold: sever\n",
            "pilothouse.yaml:6: environments.a.gates.scan.threshold: ",
        ),
        (
            "environments:\n- name: a\napps:\n  web:\n    environments:\n      a:\n        gates: {frezze: {}}\n",
            "pilothouse.yaml:7: web.a.gates.frezze: unknown gate.",
        ),
        ("bindngs: []\n", "Did you mean `bindings`?"),
    ],
)
def test_check_knows_the_gates_and_their_options(tmp_path: Path, policy: str, says: str) -> None:
    file = tmp_path / "pilothouse.yaml"
    file.write_text(policy)
    result = CliRunner().invoke(app, ["policy", "check", str(file)])
    assert result.exit_code == 1
    assert says in result.output
    file.write_text(POLICY)
    output = CliRunner().invoke(app, ["policy", "check", str(file)]).output
    assert "is valid: development → staging → production; 4 bindings." in output


def test_check_finds_a_rule_that_nobody_can_meet(tmp_path: Path) -> None:
    file = tmp_path / "pilothouse.yaml"
    file.write_text(POLICY.replace("required: [admin]", "required: [auditor]") + "roles:\n" + ROLES)
    result = CliRunner().invoke(app, ["policy", "check", str(file)])
    assert result.exit_code == 1
    assert says(result.output, "pilothouse.yaml:6: environments.production.approval", "auditor")


def test_slack_is_asked_only_with_a_token(tmp_path: Path) -> None:
    file = tmp_path / "pilothouse.yaml"
    file.write_text(POLICY)
    result = CliRunner().invoke(app, ["policy", "check", "--slack", str(file)])
    assert result.exit_code == 1
    assert "PILOTHOUSE_SLACK__BOT_TOKEN" in result.output


def test_scripts_are_told_in_json_what_check_finds(tmp_path: Path) -> None:
    file = tmp_path / "pilothouse.yaml"
    file.write_text(POLICY)
    good = CliRunner().invoke(app, ["policy", "check", str(file), "--json"])
    told = json.loads(good.output)
    assert (good.exit_code, told["good"], told["environments"][-1], told["bindings"]) == (0, True, "production", 4)
    file.write_text("channels: {default: '#x'}\nbindngs: []\nenvironments: none\n")
    bad = CliRunner().invoke(app, ["policy", "check", str(file), "--json"])
    told = json.loads(bad.output)
    assert (bad.exit_code, told["good"]) == (1, False)
    assert {mistake["line"] for mistake in told["mistakes"]} == {2, 3}
    assert any("bindngs" in mistake["message"] for mistake in told["mistakes"])


def test_check_warns_of_production_that_is_left_open_and_lets_it_be(tmp_path: Path) -> None:
    file = tmp_path / "pilothouse.yaml"
    bindings = "bindings:\n- {role: admin, users: [U0DEE]}\n"
    file.write_text(
        f"environments:\n- name: staging\n- name: prod-eu\n  approval: {{count: 0}}\n- name: sandbox\n{bindings}"
    )
    result = CliRunner().invoke(app, ["policy", "check", str(file)])
    assert result.exit_code == 0
    assert says(result.output, "Warning: pilothouse.yaml:4: prod-eu", "approve")
    file.write_text(f"environments:\n- name: staging\n- name: prod-eu\n{bindings}")
    assert "Warning" not in CliRunner().invoke(app, ["policy", "check", str(file)]).output


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "environments:\n- name: staging\n"])
def test_check_warns_of_a_policy_by_which_nobody_may_do_anything(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pilothouse.yaml"
    file.write_text(text)
    result = CliRunner().invoke(app, ["policy", "check", str(file)])
    assert result.exit_code == 0
    assert says(result.output, "Warning: pilothouse.yaml:1", "role")


@pytest.mark.parametrize(
    ("route", "never"),
    [
        ("events: [pipeline-ended, deployed], environments: [staging]", "`pipeline-ended`"),
        ("events: [pipeline-failed, pipeline-ended], environments: [staging, production]",
         "`pipeline-failed` or `pipeline-ended`"),
        ("events: [pipeline-failed], environments: [development, production]", ""),
        ("events: [pipeline-failed]", ""),
        ("events: ['*'], environments: [production]", ""),
    ],
)  # fmt: skip
def test_check_warns_of_a_route_that_leaves_out_where_pipelines_run(tmp_path: Path, route: str, never: str) -> None:
    file = tmp_path / "pilothouse.yaml"
    file.write_text(
        "bindings:\n- {role: admin, users: [U0DEE]}\n"
        f"channels:\n  routes:\n  - {{channel: C0ALL}}\n  - {{channel: C0CI, {route}}}\n"
    )
    warnings = json.loads(CliRunner().invoke(app, ["policy", "check", str(file), "--json"]).output)["warnings"]
    told = [(one["line"], says(one["message"], f"C0CI never hears of {never}.", "Add development")) for one in warnings]
    assert told == ([(6, True)] if never else [])


def test_check_warns_of_a_name_where_an_id_belongs(tmp_path: Path) -> None:
    file = tmp_path / "pilothouse.yaml"
    file.write_text("bindings:\n- {role: engineer, users: [U0ANA]}\n- {role: admin, users: [dee, W012A3CDE]}\n")
    result = CliRunner().invoke(app, ["policy", "check", str(file), "--json"])
    (warning,) = json.loads(result.output)["warnings"]
    assert (warning["line"], "`dee`: not a Slack user id" in warning["message"]) == (3, True)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda file: None, "There is no policy file"),
        (lambda file: file.mkdir(), "cannot be read: Is a directory."),
        (lambda file: file.write_bytes(b"\xff\xfe"), "is not text: save it as UTF-8."),
    ],
)
@pytest.mark.parametrize("command", [["policy", "check"], ["policy", "test", "cases.yaml", "--policy"]])
def test_a_file_that_cannot_be_read_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], make: Callable[[Path], object], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cases.yaml").write_text(PEOPLE)
    make(tmp_path / "other.yaml")
    result = CliRunner().invoke(app, [*command, "other.yaml"])
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert says in result.stderr
    assert "Errno" not in result.stderr
    assert "codec" not in result.stderr
