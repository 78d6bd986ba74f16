"""What commands answer, read aloud."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

import commands
from bot.command import CommandRegistry
from bot.domain.application import Application, ApplicationRef, HealthStatus, LastKnown, SyncStatus, Unheard
from bot.domain.drift import Drift
from bot.domain.event import Event
from bot.domain.image import Artifact, Image
from bot.domain.intent import SyncAction
from bot.domain.overlay import OverlayImage
from bot.domain.pipeline import ABSENT, PipelineRun, RunStatus, StepLog, TaskStatus
from bot.domain.promotion import ApprovalRule, Phase, Stage
from bot.domain.reply import (
    Decided,
    HelpEntry,
    HelpPage,
    Picker,
    RollbackChoice,
    RollbackChoices,
    RunDetail,
    RunList,
    RunLog,
    ScanReport,
    ScanReports,
    Silent,
    Started,
    StatusDetail,
    StatusOverview,
    StatusPage,
    StatusRow,
    Told,
    Topic,
)
from bot.domain.safety import ClosedWindow
from bot.domain.scan import Scan, ScanStatus, Severity, Vulnerability
from bot.views import home, notice, render, result, thread_note
from bot.views.home import HomeTab
from bot.views.runs import log_file, longer_than_shown
from bot.views.words import DAY_AND_TIME, moment
from commands.deploy import FORM
from tests.views.reading import lines, read, view_lines
from tests.views.samples import AT, BLOCKED, COMMIT, DIGEST, OLD_DIGEST, move, plan, promotion

IMAGE = Image("harbor.example.com/apps/my-app", DIGEST, "v1.4.2")


def running(label: str) -> tuple[OverlayImage, ...]:
    return (OverlayImage("harbor.example.com/apps/my-app", "harbor.example.com/apps/my-app", label),)


def application(health: HealthStatus = HealthStatus.HEALTHY, **changes: object) -> Application:
    usual = Application(ApplicationRef("my-app-production", "production"), SyncStatus.SYNCED, health)
    return replace(usual, **changes)  # type: ignore[arg-type]


def row(environment: str, label: str, app: str = "my-app", **changes: object) -> StatusRow:
    usual = StatusRow(app, environment, running(label), application(), last=COMMIT)
    return replace(usual, **changes)  # type: ignore[arg-type]


def test_told_keeps_its_lines_and_names_whom_to_ask() -> None:
    shown = render(Told("You may not do this.\nAsk <@U0BO>, <!channel> or a & b."))
    assert shown.text == "You may not do this.\nAsk <@U0BO>, &lt;!channel&gt; or a &amp; b."


def test_silence() -> None:
    assert render(Silent()).text == ""
    assert lines(render(Decided(promotion(), "approved"))) == [
        "You approved `p-7f3a`. Its card in #C0DEPLOY shows what happens next."
    ]


def test_what_opens_a_modal_is_no_message() -> None:
    with pytest.raises(TypeError, match="Picker is not shown as a message"):
        render(Picker("deploy", FORM, (), ()))


def test_started() -> None:
    what = "*my-app → production · v1.4.1 → v1.4.2*"
    for started, stands in (
        (promotion(), "waits for an approval"),
        (promotion(Stage.GATES), "waits for its gates, and then for an approval"),
        (promotion(Stage.GATES, plan=plan(gates=())), "waits for an approval"),
        (promotion(Stage.GATES, plan=plan(approval=ApprovalRule(0))), "is under way"),
        (promotion(Stage.COMMIT), "is under way"),
    ):
        shown = render(Started(started, "C0DEPLOY"))
        assert read(shown.text) == f"{what} {stands}: follow its card in #C0DEPLOY."
        assert f"{stands} already" in render(Started(started, "C0DEPLOY", existing=True)).text


def test_status_of_one_app() -> None:
    sick = application(HealthStatus.DEGRADED, health_message="Deployment exceeded its progress deadline")
    overview = StatusOverview(
        (
            row("development", "v1.4.3"),
            row("staging", "v1.4.2", application=sick),
            row("production", "v1.4.1", application=None, problem="Argo CD does not answer", promotion=promotion()),
        )
    )
    shown = render(overview)
    assert lines(shown) == [
        "# my-app",
        "`development` v1.4.3 · ✅ Synced · Healthy · 2026-05-04 14:02 UTC by Ana",
        "`staging` v1.4.2 · ❌ Synced · Degraded · 2026-05-04 14:02 UTC by Ana",
        "        → Deployment exceeded its progress deadline",
        "`production` v1.4.1 · ⚠️ Argo CD does not answer · 2026-05-04 14:02 UTC by Ana",
        "        🚦 v1.4.2: Waiting for an approval from release-managers.",
    ]
    assert shown.text == "my-app: development v1.4.3 Healthy, staging v1.4.2 Degraded, production v1.4.1"


def test_a_drift_on_record_is_said_in_status_and_on_home_once() -> None:
    out = replace(application(), sync=SyncStatus.OUT_OF_SYNC)
    drifting = row("production", "v1.4.1", application=out, drifting_since=AT)
    said = (
        "        〰️ has differed from git since 2026-05-04 14:02 UTC: something changed in the cluster. "
        "`/status my-app production` shows what."
    )
    assert lines(render(StatusOverview((drifting,))))[2] == said
    assert said in view_lines(home(HomeTab(overview=[drifting])))
    differs = (Drift("Service", "my-app", "my-app", missing=True),)
    told = lines(render(StatusDetail(drifting, differs)))
    assert said not in told
    assert "〰️ Has differed from git since 2026-05-04 14:02 UTC:" in told
    unknown = lines(render(StatusDetail(drifting, None, "Argo CD does not answer.")))
    assert "〰️ Has differed from git since 2026-05-04 14:02 UTC." in unknown
    assert "What differs from git is not known: Argo CD does not answer." in unknown
    nameless = lines(render(StatusDetail(drifting, (), may=(SyncAction.REFRESH,))))
    nothing_named = "Argo CD names no field. *Refresh* has it look again."
    assert f"〰️ Has differed from git since 2026-05-04 14:02 UTC. {nothing_named}" in nameless
    gone = lines(render(StatusDetail(drifting)))
    assert "〰️ Has differed from git since 2026-05-04 14:02 UTC: something changed in the cluster." in gone
    for told in (unknown, nameless, gone):  # this is what that command shows
        assert not any("/status my-app production" in line for line in told)


def test_what_was_last_known_is_never_shown_as_current() -> None:
    known = LastKnown(SyncStatus.SYNCED, HealthStatus.HEALTHY, AT)
    away = row("production", "v1.4.1", application=None, problem="Argo CD does not answer at the moment.")
    [_, line] = lines(render(StatusOverview((replace(away, last_known=known),))))
    assert line == (
        "`production` v1.4.1 · ⚠️ Argo CD does not answer at the moment. *Last known*: Synced · Healthy at "
        "2026-05-04 14:02 UTC. · 2026-05-04 14:02 UTC by Ana"
    )
    assert "✅" not in line


def test_what_is_committed_is_not_said_to_be_healthy_before_it_runs() -> None:
    behind = row("staging", "v1.5.2", runs="v1.5.1 runs")
    out = application(HealthStatus.HEALTHY, sync=SyncStatus.OUT_OF_SYNC)
    overview = StatusOverview((behind, row("production", "v1.5.2", application=out, runs="Argo CD is at abc1234")))
    shown = render(overview)
    assert lines(shown)[1:] == [
        "`staging` v1.5.2 is committed, v1.5.1 runs · 🔄 Healthy · 2026-05-04 14:02 UTC by Ana",
        "`production` v1.5.2 is committed, Argo CD is at abc1234 · 🔄 OutOfSync · Healthy"
        " · 2026-05-04 14:02 UTC by Ana",
    ]
    assert shown.text == (
        "my-app: staging v1.5.2 is committed, v1.5.1 runs · Healthy, "
        "production v1.5.2 is committed, Argo CD is at abc1234 · Healthy"
    )


def test_at_a_glance_what_is_well_takes_a_line_of_a_phone_and_anything_else_is_told() -> None:
    """The overview of the Home tab."""

    def told(**changes: Any) -> list[str]:
        shown = view_lines(home(HomeTab(overview=[row("staging", "v1.4.2", **changes)])))
        return [line for line in shown if "`staging`" in line]

    assert told() == ["`staging` v1.4.2 · ✅ Synced · Healthy"]
    [ill] = told(application=application(HealthStatus.DEGRADED))
    assert ill.startswith("`staging` v1.4.2 · ❌ Synced · Degraded · 2026-")
    assert told(runs="v1.4.1 runs") != told()
    assert " by " in told(promotion=promotion())[0]
    assert " by " in told(application=application(sync=SyncStatus.OUT_OF_SYNC))[0]


@pytest.mark.parametrize(
    ("window", "line"),
    [
        (ClosedWindow("production", "year end", AT), "        ❄️ frozen by policy until {at}: year end."),
        (ClosedWindow("production", "", None, denied=False),
         "        ❄️ frozen by policy, outside its open windows, with no open window in sight."),
    ],
)  # fmt: skip
def test_status_names_the_window_of_the_policy_that_is_closed(window: ClosedWindow, line: str) -> None:
    shown = lines(render(StatusOverview((row("production", "v1.4.2", closed=window),))))
    assert line.format(at=read(moment(AT, DAY_AND_TIME))) in shown
    at_home = view_lines(home(HomeTab(overview=[row("production", "v1.4.2", closed=window)])))
    assert line.format(at=read(moment(AT, DAY_AND_TIME))) in at_home


def test_status_of_an_app_in_a_release_train_names_its_own_image() -> None:
    train = promotion(plan=plan(moves=(move(), move("ledger", "v0.9.1", "v0.9.2"))))
    shown = lines(render(StatusOverview((row("production", "v0.9.1", "ledger", promotion=train),))))
    assert shown[-1] == "        🚦 v0.9.2: Waiting for an approval from release-managers."


def test_a_page_of_many_apps_says_what_part_it_is() -> None:
    rows = tuple(row(env, "v1", f"app-{n}") for n in range(10) for env in ("staging", "production"))
    shown = lines(render(StatusOverview(rows, StatusPage(2, 6, 60, 3))))
    assert shown[:2] == ["*app-0*", "`staging` v1 · ✅ Synced · Healthy · 2026-05-04 14:02 UTC by Ana"]
    assert shown[-1] == "(Page 2 of 6 · 3 apps unwell, shown first · 60 apps in all · `/status --page N`)"
    assert "more" not in "".join(shown)
    well = lines(render(StatusOverview(rows, StatusPage(2, 6, 60, 0))))
    assert well[-1] == "(Page 2 of 6 · no app is unwell · 60 apps in all · `/status --page N`)"


def test_a_page_that_is_too_long_tells_each_app_in_brief() -> None:
    sick = application(HealthStatus.DEGRADED, health_message="x" * 900, conditions=("E: " + "y" * 900,))
    rows = tuple(row(env, "v1", f"app-{n}", application=sick) for n in range(15) for env in ("staging", "production"))
    shown = lines(render(StatusOverview(rows, StatusPage(1, 1, 15, 15))))
    assert shown[:3] == ["*app-0*", "`staging` v1 · ❌ Synced · Degraded", "`production` v1 · ❌ Synced · Degraded"]
    assert "*app-14*" in shown


def test_nothing_to_show() -> None:
    assert render(StatusOverview(())).text == "There is nothing to show: no app runs there."
    assert render(StatusOverview((), StatusPage(apps=4, only=True))).text == "Of 4 apps, none is unwell."
    some = StatusOverview((row("staging", "v1.4.2"),), StatusPage(apps=1200, unwell=1, only=True))
    assert render(some).text == "1 of 1,200 apps unwell"
    assert render(RunList("my-app", ())).text == "There are no pipeline runs of my-app yet."
    assert render(HelpPage(())).text == "Unknown command: `/pilothouse help` lists them all."


def vulnerability(id: str, severity: Severity, fix: str = "") -> Vulnerability:
    return Vulnerability(id, "openssl", "3.0.1", severity, fix)


def scan_report(scan: Scan, **changes: object) -> ScanReport:
    usual = ScanReport("my-app", Artifact(IMAGE, ("v1.4.2",), AT, "5a6b7c8d"), scan, (), Severity.HIGH)
    return replace(usual, **changes)  # type: ignore[arg-type]


def test_a_scan_worst_first_and_compared() -> None:
    found = (
        vulnerability("CVE-2026-3", Severity.LOW),
        vulnerability("CVE-2026-1", Severity.HIGH),
        vulnerability("CVE-2026-2", Severity.CRITICAL, "3.0.9"),
    )
    counts = {Severity.LOW: 1, Severity.CRITICAL: 1, Severity.HIGH: 1}
    scan = Scan(ScanStatus.SUCCESS, counts, 1, 3, AT, "Trivy 0.60")
    report = scan_report(
        scan,
        vulnerabilities=found,
        against=Image(IMAGE.repository, OLD_DIGEST, "v1.4.1"),
        against_in="production",
        fixed=(vulnerability("CVE-2025-9", Severity.HIGH),),
        added=(found[2],),
        pinned_in="staging",
    )
    assert lines(render(report)) == [
        "# 🔍 my-app · v1.4.2",
        "⛔ 2 findings are High or worse.",
        "In git for: staging",
        "Found: 🔴 1 Critical · 🟠 1 High · 🔵 1 Low",
        "Fixable: 1 of 3",
        "Scanned: 2026-05-04 14:02 UTC",
        "Scanner: Trivy 0.60",
        "Pushed: 2026-05-04 14:02 UTC",
        "Source: `5a6b7c8d`",
        "*Compared with v1.4.1, which production runs*",
        "✅ 1 fixed: 🟠 CVE-2025-9",
        "⚠️ 1 new: 🔴 CVE-2026-2",
        "*Worst first*",
        "🔴 CVE-2026-2 · openssl 3.0.1 · fixed in 3.0.9",
        "🟠 CVE-2026-1 · openssl 3.0.1 · no fix yet",
        "🔵 CVE-2026-3 · openssl 3.0.1 · no fix yet",
        f"(`harbor.example.com/apps/my-app@{DIGEST}`)",
    ]


@pytest.mark.parametrize(
    ("scan", "said"),
    [
        (
            Scan(ScanStatus.NOT_SCANNED),
            "⏳ This image is not scanned yet. Start one with `/scan my-app@v1.4.2 --rescan`.",
        ),
        (Scan(ScanStatus.PENDING), "⏳ The scan waits for its turn. `/scan my-app@v1.4.2` shows what it found."),
        (
            Scan(ScanStatus.RUNNING, progress=40),
            "⏳ The scan is running (40 %). `/scan my-app@v1.4.2` shows what it found.",
        ),
        (
            Scan(ScanStatus.ERROR),
            "❌ The scan failed, so this image is not judged. Start another with `/scan my-app@v1.4.2 --rescan`.",
        ),
        (
            Scan(ScanStatus.INCOMPLETE, missing=("linux/arm64 failed",)),
            "❌ The scan is incomplete: linux/arm64 failed. Start another with `/scan my-app@v1.4.2 --rescan`.",
        ),
        (
            Scan(ScanStatus.SCANNER_AWAY),
            "⏳ The registry's scanner does not answer, so this image is not judged until it is back.",
        ),
        (Scan(ScanStatus.SUCCESS), "✅ No finding is High or worse."),
        (Scan(ScanStatus.SUCCESS, {Severity.HIGH: 1}), "⛔ 1 finding is High or worse."),
    ],
)
def test_the_state_of_a_scan(scan: Scan, said: str) -> None:
    assert lines(render(scan_report(scan)))[1] == said


@pytest.mark.parametrize(
    ("status", "whose"),
    [
        (ScanStatus.PENDING, "Findings of the scan before this one"),
        (ScanStatus.RUNNING, "Findings of the scan before this one"),
        (ScanStatus.ERROR, "Findings of the scan before this one"),
        (ScanStatus.STOPPED, "Findings of the scan before this one"),
        (ScanStatus.INCOMPLETE, "Findings of the part that is scanned"),
        (ScanStatus.SCANNER_AWAY, "Findings of the last scan"),
    ],
)
def test_findings_of_another_scan_are_labelled_as_such(status: ScanStatus, whose: str) -> None:
    found = (vulnerability("CVE-2026-3", Severity.LOW),)
    against = Image(IMAGE.repository, OLD_DIGEST, "v1.4.1")
    shown = lines(
        render(scan_report(Scan(status), vulnerabilities=found, against=against, against_in="production", added=found))
    )
    assert f"*{whose}, worst first*" in shown
    assert f"*{whose}, compared with v1.4.1, which production runs*" in shown


def test_many_findings_are_summarised() -> None:
    found = tuple(vulnerability(f"CVE-{n:03}", Severity.LOW) for n in range(2500))
    shown = lines(render(scan_report(Scan(ScanStatus.SUCCESS), vulnerabilities=found)))
    assert shown[-2] == "and 2,490 more"


def test_the_scans_of_several_images() -> None:
    first = scan_report(Scan(ScanStatus.SUCCESS))
    api = Image("harbor.example.com/apps/my-app-api", OLD_DIGEST, "v1.4.2")
    second = scan_report(Scan(ScanStatus.PENDING), artifact=Artifact(api, (), None))
    shown = render(ScanReports("my-app", (first, second), ("There is no image `v1` in apps/gone.",)))
    assert lines(shown) == [
        "# 🔍 my-app · 2 images",
        "# 🔍 my-app v1.4.2",
        "✅ No finding is High or worse.",
        "Pushed: 2026-05-04 14:02 UTC",
        "Source: `5a6b7c8d`",
        f"(`harbor.example.com/apps/my-app@{DIGEST}`)",
        "# 🔍 my-app-api v1.4.2",
        "⏳ The scan waits for its turn. `/scan my-app@v1.4.2` shows what it found.",
        f"(`harbor.example.com/apps/my-app-api@{OLD_DIGEST}`)",
        "❔ There is no image `v1` in apps/gone.",
    ]
    assert "my-app-api v1.4.2: ⏳ The scan waits for its turn." in shown.text


def test_more_images_than_have_room_are_one_section_each() -> None:
    reports = (scan_report(Scan(ScanStatus.SUCCESS, {Severity.HIGH: 1})),) * 6
    shown = lines(render(ScanReports("my-app", reports)))
    assert shown[0] == "# 🔍 my-app · 6 images"
    assert shown[1:] == ["my-app v1.4.2: ⛔ 1 finding is High or worse.", "🟠 1 High"] * 6


RUN = PipelineRun(
    "my-app-x7k2p",
    "ci",
    "ci-pipeline",
    RunStatus.FAILED,
    app="my-app",
    requester="U0ANA",
    started_at=AT,
    finished_at=AT + timedelta(minutes=3, seconds=12),
)


def test_runs() -> None:
    assert lines(render(RunList("my-app", (RUN, replace(RUN, name="my-app-a", status=RunStatus.RUNNING))))) == [
        "*2 pipeline runs of my-app, newest first*",
        "❌ *my-app-x7k2p* Failed",
        "my-app · by @U0ANA · 2026-05-04 14:02 UTC · 3 min 12 s [Show]",
        "🔄 *my-app-a* Running",
        "my-app · by @U0ANA · 2026-05-04 14:02 UTC · 3 min 12 s [Show]",
    ]


def test_why_a_run_failed() -> None:
    tasks = (
        TaskStatus("fetch-source", RunStatus.SUCCEEDED, started_at=AT, finished_at=AT + timedelta(seconds=4)),
        TaskStatus("run-tests", RunStatus.FAILED, message="exit code 1", failed_step="unit"),
        TaskStatus("build-push", RunStatus.PENDING, skipped=True),
    )
    log = StepLog("run-tests", "unit", ("collected 3 items", "  FAILED test_x.py", "```"))
    shown = render(RunDetail(replace(RUN, tasks=tasks), "Task run-tests failed in step unit: exit code 1.", log))
    assert lines(shown) == [
        "# 🔧 my-app-x7k2p",
        "❌ Failed · my-app · by @U0ANA · 2026-05-04 14:02 UTC · 3 min 12 s",
        "✅ fetch-source 4 s",
        "❌ run-tests in step `unit`: exit code 1",
        "⏭️ build-push skipped",
        "❌ Task run-tests failed in step unit: exit code 1.",
        "*run-tests* / unit",
        "```",
        "collected 3 items",
        "  FAILED test_x.py",
        "'''",
        "```",
        "[Logs] [Retry]",
    ]
    assert shown.text == "my-app-x7k2p: ❌ Failed. Task run-tests failed in step unit: exit code 1."


def test_a_run_that_was_held_back_says_what_to_do_with_its_image() -> None:
    """Whatever people wrote as the reason, it is text."""
    held = "Not written to development: my-app in development is locked by Ana: <!channel> a migration."
    done = replace(RUN, status=RunStatus.SUCCEEDED, results={"digest": "sha256:abc", "held": "locked by Ana"})
    shown = render(RunDetail(done, held=held))
    assert lines(shown) == [
        "# 🔧 my-app-x7k2p",
        "✅ Succeeded · my-app · by @U0ANA · 2026-05-04 14:02 UTC · 3 min 12 s",
        "🔒 Not written to development: my-app in development is locked by Ana: <!channel> a migration.",
        "(digest `sha256:abc`)",
        "[Logs]",
    ]
    assert "<!channel>" not in str(shown.blocks)
    assert "Not written to development" in shown.text


def test_a_task_says_why_it_waits_and_a_stopped_run_says_it_of_each_task() -> None:
    """T20, T21: nothing goes on, and nothing is still to come, in a run that is over."""
    why = "pod status PodScheduled:False; message: 0/3 nodes are available: 3 Insufficient <memory>"
    waits = replace(RUN, status=RunStatus.RUNNING, tasks=(TaskStatus("build", RunStatus.PENDING, message=why),))
    assert f"⏳ build cannot start: {why}" in lines(render(RunDetail(waits)))
    stopped = (
        TaskStatus("fetch-source", RunStatus.SUCCEEDED),
        TaskStatus("build", RunStatus.CANCELLED, message="it was under way when the run ended"),
        TaskStatus("sign", RunStatus.CANCELLED, skipped=True),
    )
    told = lines(render(RunDetail(replace(RUN, status=RunStatus.CANCELLED, tasks=stopped))))
    assert told[2:5] == ["✅ fetch-source", "🛑 build", "⏭️ sign did not run"]
    assert "[Logs] [Retry]" in told


def test_a_run_of_which_only_the_name_is_left() -> None:
    gone = PipelineRun("my-app-x7k2p", "", "", RunStatus.DELETED, message=ABSENT)
    assert lines(render(RunDetail(gone))) == ["# 🔧 my-app-x7k2p", "🗑️ Deleted", ABSENT]


def test_a_running_run_can_be_cancelled() -> None:
    assert lines(render(RunDetail(replace(RUN, status=RunStatus.RUNNING))))[-1] == "[Logs] [Cancel]"


def test_logs_show_the_last_lines_and_the_file_holds_all() -> None:
    log = RunLog(
        RUN,
        (
            StepLog("build", "push", tuple(f"line {n}" for n in range(30))),
            StepLog("build", "sign", (), gone=True),
        ),
    )
    shown = lines(render(log))
    assert shown[2:5] == ["```", "line 10", "line 11"]
    assert shown[-1] == "*build* / sign: its pod is gone, and the log with it."
    name, content = log_file(log)
    assert name == "my-app-x7k2p.log"
    assert content.startswith(b"== build / push\nline 0\n")
    assert longer_than_shown(log)


def test_rollback_choices() -> None:
    choices = (
        RollbackChoice(running("v1.4.1")[0], AT, COMMIT, verified=True),
        RollbackChoice(running("v1.4.0")[0], AT, COMMIT, synced=True),
        RollbackChoice(running("v1.3.9")[0], AT, COMMIT),
    )
    assert lines(render(RollbackChoices("my-app", "production", running("v1.4.2")[0], choices, careful=True))) == [
        "my-app in production runs *v1.4.2*. It can go back to:",
        "*v1.4.1* · ✅ was Healthy there",
        "since 2026-05-04 14:02 UTC by Ana · c0ffee1 Promote my-app to production [Roll back?]",
        "*v1.4.0* · Argo CD synced it there",
        "since 2026-05-04 14:02 UTC by Ana · c0ffee1 Promote my-app to production [Roll back?]",
        "*v1.3.9* · the overlay had it; whether it ran is not on record",
        "since 2026-05-04 14:02 UTC by Ana · c0ffee1 Promote my-app to production [Roll back?]",
    ]


def test_rollback_choices_where_argo_cd_runs_another_image() -> None:
    choices = (RollbackChoice(running("v1.4.1")[0], AT, COMMIT),)
    shown = RollbackChoices("my-app", "production", running("v1.4.2")[0], choices, careful=True, runs="v1.4.1 runs")
    assert lines(render(shown))[0] == "my-app in production: *v1.4.2* is committed, v1.4.1 runs. It can go back to:"
    assert "my-app goes back from v1.4.2 (committed; v1.4.1 runs) to v1.4.1." in str(render(shown).blocks)


def test_help() -> None:
    deploy = HelpEntry(
        "deploy", ("/deploy APP[@TAG] [to] ENV",), "Deploys an image.", "First paragraph.\n\nSecond one."
    )
    assert lines(render(HelpPage((deploy,)))) == [
        "# deploy",
        "`/deploy APP[@TAG] [to] ENV`",
        "Deploys an image.",
        "First paragraph.",
        "Second one.",
    ]
    shown = lines(render(HelpPage((replace(deploy, examples=("/deploy my-app prod",)),))))
    assert shown[1:4] == ["*For example*", "`/deploy my-app prod`", "`/deploy APP[@TAG] [to] ENV`"]
    both = render(HelpPage((deploy, HelpEntry("scan", ("/scan APP",), "Shows a scan."))))
    assert lines(both)[:2] == ["*deploy* Deploys an image.", "`/deploy APP[@TAG] [to] ENV`"]
    assert both.text == "Commands: deploy and scan"


def test_help_is_grouped_by_task_and_what_is_used_most_comes_first() -> None:
    """One message, and of each command its plainest example: the grammar is behind a word more."""
    message = render(HelpPage(CommandRegistry.load(commands).help(), overview=True))
    shown = lines(message)
    titles = [line for line in shown if line.startswith("*")]
    assert titles == [f"*{topic}*" for topic in Topic if topic is not Topic.OTHER]
    assert shown[1:9] == [
        "`/approve` Say yes to a promotion that waits for approval",
        "`/deploy my-app prod` Put an image into an environment",
        "`/history my-app prod` The newest changes of an app",
        "`/lock my-app prod for 2h database migration` "
        "Hold an app in an environment, or without APP the whole environment",
        "`/promote my-app payments to prod` Move what runs in one environment to another",
        "`/rollback my-app prod` Go back to an image that the environment ran before",
        "`/scan my-app prod` The vulnerabilities of an image",
        "`/status` What git says, what runs, what Argo CD reports, what holds changes back, "
        "and which promotions are under way",
    ]
    assert "more" not in shown[-2], "nothing is left out"
    assert sum(len(line) for line in shown) < 4500
    other = HelpEntry("deploy-thing", ("/deploy-thing",), "Something of a package's own.")
    assert lines(render(HelpPage((other,), overview=True)))[:2] == [
        "*More*",
        "`/deploy-thing` Something of a package's own",
    ]


def test_notes() -> None:
    failed = promotion(Stage.DONE, Phase.FAILED, results=BLOCKED[:1])
    assert lines(thread_note(failed, Event.FAILED)) == [
        "❌ @U0ANA: Stopped by the scan gate. Nothing has changed.",
        "⛔ *Scan*: The image has 2 Critical vulnerabilities, and production allows none Details",
        "        → Build it on a newer base image, then deploy that one",
    ]
    assert lines(thread_note(promotion(), Event.WAITING, approvers="<!subteam^S0RELEASE>")) == [
        "🚦 Waiting for an approval from !subteam^S0RELEASE."
    ]
    assert lines(notice(promotion(), Event.STARTED)) == [
        "🚀 @U0ANA started *my-app → production · v1.4.1 → v1.4.2*. The card is in #C0DEPLOY."
    ]
    done = promotion(Stage.DONE, Phase.SUCCEEDED)
    assert lines(result(done)) == [
        "✅ Your *my-app → production · v1.4.1 → v1.4.2*: my-app v1.4.2 runs in production, Synced and Healthy.",
        "The card is in #C0DEPLOY.",
    ]


def test_a_run_that_is_followed_is_answered_in_one_sentence() -> None:
    assert lines(render(RunDetail(RUN, note="Started.", followed=True))) == [
        "*my-app-x7k2p*: Started. Its message here follows it to the end."
    ]


def test_a_board_says_where_the_stream_is_not_current() -> None:
    """It may be lost, silent, or only be read again: the sentence holds for each."""
    late = Unheard("", AT)
    shown = lines(
        render(StatusOverview((row("production", "v1.4.2", unheard=late), row("staging", "v1", unheard=late))))
    )
    behind = "The bot may be behind Argo CD's stream, last heard at 14:02 UTC"
    assert shown.count(f"(⚠️ {behind}: this was asked just now, and news may be late.)") == 1
    named = lines(render(StatusOverview((row("production", "v1.4.2", unheard=Unheard("eu")),))))
    assert "(⚠️ The bot does not follow the stream of Argo CD *eu* yet: this was asked just now.)" in named
