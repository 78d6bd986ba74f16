"""What comes of a webhook: the catalog looks again, an alert is told and edited, a failed run is told."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from bot.domain.errors import Unavailable
from bot.domain.pipeline import CancelMode, RunRequest
from bot.store.codec import dump
from bot.webhooks.alertmanager import WebhookAlert, domain
from tests.sentences import says
from tests.unit.bot.webhooks.conftest import HARBOR, OVERLAYS, WebhookHarness, sample
from tests.unit.bot.webhooks.test_receivers import FAILED, GOOD

ENDLESS = "0001-01-01T00:00:00Z"
START = "2026-11-01T10:00:00Z"


def alert(status: str = "firing", started: str = START, fingerprint: str = "f1", **labels: str) -> dict[str, Any]:
    labels = {"alertname": "ArgoCDSyncFailed", "severity": "critical", "app": "my-app", "name": "my-app-staging",
              "environment": "staging"} | labels  # fmt: skip
    return {
        "status": status,
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {
            "summary": "Argo CD could not sync my-app-staging",
            "runbook_url": "https://github.com/example/pilothouse/runbooks.md#argocdsyncfailed",
        },
        "startsAt": started,
        "endsAt": ENDLESS if status == "firing" else "2026-11-01T10:12:00Z",
        "generatorURL": "http://prometheus.example.com/graph?g0.expr=x",
        "fingerprint": fingerprint,
    }


def push(**changes: Any) -> bytes:
    document = json.loads(sample("github.webhook.push.json"))
    document |= {"ref": "refs/heads/main", "deleted": False, "after": "a" * 40, **changes}
    document["repository"]["full_name"] = changes.get("of", OVERLAYS)
    return json.dumps(document).encode()


async def shown(harness: WebhookHarness, channel: str) -> list[str]:
    return [
        json.dumps([m.shown.text, *m.shown.blocks], ensure_ascii=False) for m in harness.messenger.in_channel(channel)
    ]


# GitHub


async def test_a_push_to_the_overlays_is_looked_at_at_once_and_once(harness: WebhookHarness) -> None:
    """G18: a redelivery has the same id."""
    catalog = harness.catalog
    before = await catalog.listing()
    commit = harness.overlays.push({"apps/new-app/overlays/staging/kustomization.yaml": b"images: []\n"})
    assert (await catalog.listing()).commit == before.commit
    for _ in range(2):
        await harness.github(push(after=commit.sha))
    assert await harness.work() == 1
    assert (await catalog.listing()).commit == commit.sha


@pytest.mark.parametrize(
    "changes",
    [{"ref": "refs/heads/other"}, {"ref": "refs/tags/main"}, {"deleted": True, "after": "0" * 40}, {"of": "a/b"}],
)
async def test_other_pushes_do_not_concern_us(harness: WebhookHarness, changes: dict[str, Any]) -> None:
    """G19."""
    assert (await harness.github(push(**changes))).json()["accepted"] is False


async def test_a_push_may_come_as_a_form(harness: WebhookHarness) -> None:
    """G17: the signature is over the form."""
    body = urlencode({"payload": push().decode()}).encode()
    answer = await harness.github(body, **{"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.json() == {"accepted": True}


SHA = "a" * 40


def source_push(**changes: Any) -> bytes:
    by = {"name": "Ana Ng", "email": "ana@example.com"}
    commits = [
        {"id": f"{n}" * 40, "message": f"Change {n}\n\nWith more words", "author": by, "distinct": True}
        for n in range(5)
    ]
    document = json.loads(push())
    known = {"full_name": "octocat/my-app", "clone_url": "https://github.com/octocat/my-app.git"}
    document["repository"] |= {**known, "default_branch": "main", "pushed_at": 1_800_000_000}
    document |= {"head_commit": {**commits[-1], "id": SHA, "url": "https://github.com/x"}, "commits": commits}
    return json.dumps(document | changes).encode()


async def test_a_push_to_a_source_repository_is_recorded_with_its_author_and_subjects(harness: WebhookHarness) -> None:
    """G19: the oldest commit comes first."""
    before = await harness.catalog.listing()
    harness.overlays.push({"apps/new-app/overlays/staging/kustomization.yaml": b"images: []\n"})
    for _ in range(2):
        await harness.github(source_push())
    assert await harness.work() == 1
    [(told, at)] = harness.committed
    assert (told.repository, told.sha) == ("https://github.com/octocat/my-app.git", SHA)
    assert (told.author.email, told.subject, told.count) == ("ana@example.com", "Change 4", 5)
    assert told.subjects == ("Change 4", "Change 3", "Change 2")
    assert at == datetime.fromtimestamp(1_800_000_000, UTC)
    assert (await harness.catalog.listing()).commit == before.commit, "it is no reason to look at the overlays"


@pytest.mark.parametrize(
    "changes",
    [
        {"ref": "refs/heads/feature"},
        {"ref": "refs/tags/main"},
        {"deleted": True, "after": "0" * 40, "head_commit": None},
        {"head_commit": None},
        {"after": "main"},
    ],
)
async def test_what_is_no_push_to_a_default_branch_is_not_recorded(
    harness: WebhookHarness, changes: dict[str, Any]
) -> None:
    """G19."""
    assert (await harness.github(source_push(**changes))).json()["accepted"] is False


async def test_a_push_to_the_overlays_is_no_push_of_source_code(harness: WebhookHarness) -> None:
    document = json.loads(source_push())
    document["repository"]["full_name"] = OVERLAYS
    await harness.github(json.dumps(document).encode())
    await harness.work()
    assert harness.committed == []


# Harbor


@pytest.mark.parametrize(("tag", "told"), [("v1.5.0", "v1.5.0"), ("sha256:" + "1" * 64, ""), (None, "")])
async def test_an_image_that_is_pushed_is_recorded(harness: WebhookHarness, tag: str | None, told: str) -> None:
    """H23: the tag is the digest when it was pushed by digest."""
    await harness.post("harbor", image_push(tag), {"Authorization": HARBOR})
    await harness.work()
    [(digest, repository, shown, at)] = harness.stored
    assert (repository, shown, at) == ("harbor/alpine", told, datetime.fromtimestamp(1680501893, UTC))
    assert digest.startswith("sha256:954b")
    assert harness.scanned == []


@pytest.mark.parametrize(
    ("time", "at"),
    [
        ("2026-01-05T10:00:00+01:00", datetime(2026, 1, 5, 9, tzinfo=UTC)),
        ("2026-01-05T09:00:00", datetime(2026, 1, 5, 9, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("9999-12-31T00:00:00Z", datetime(9999, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", datetime(1970, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59-14:00", datetime(9999, 1, 1, tzinfo=UTC)),
    ],
)
async def test_the_time_of_a_push_is_one_that_can_be_read_back(
    harness: WebhookHarness, time: str, at: datetime
) -> None:
    """As a CloudEvent (H21): a time outside the calendar would be written down, and never be read again."""
    pushed = json.loads(image_push("v1.5.0"))
    event = {"type": "harbor.artifact.pushed", "id": "1", "source": "/x", "time": time, "data": pushed["event_data"]}
    await harness.post("harbor", json.dumps(event).encode(), {"Authorization": HARBOR})
    await harness.work()
    assert [one[3] for one in harness.stored] == [at]


@pytest.mark.parametrize("tag", ["sha256-954b.sig", "sha256-954b.att", "sha256-954b.sbom"])
async def test_a_signature_is_no_image(harness: WebhookHarness, tag: str) -> None:
    """H23."""
    answer = await harness.post("harbor", image_push(tag), {"Authorization": HARBOR})
    assert answer.json()["accepted"] is False


def image_push(tag: str | None) -> bytes:
    document = json.loads(sample("harbor.webhook.push_artifact.default.json"))
    document["event_data"]["resources"][0]["tag"] = tag
    return json.dumps(document).encode()


# Alertmanager


async def test_an_alert_is_told_in_the_default_channel_with_what_it_is_about(harness: WebhookHarness) -> None:
    assert (await harness.alert(alert(run="my-app-0007"))).status_code == 202
    await harness.work()
    (message,) = await shown(harness, "C0DEPLOY")
    for part in ("Argo CD could not sync", "my-app", "staging", "my-app-0007", "prometheus.example.com", "runbooks.md"):
        assert part in message, message
    assert not harness.messenger.in_channel("C0INC")


async def test_an_alert_goes_where_the_policy_says(harness: WebhookHarness) -> None:
    await harness.alert(
        alert(environment="production"),
        alert(fingerprint="f2", app="ledger"),
        alert(fingerprint="f3", app="", environment="", name=""),
    )
    await harness.work()
    assert [len(harness.messenger.in_channel(c)) for c in ("C0INC", "C0LEDGER", "C0DEPLOY")] == [1, 1, 1]


async def test_when_it_is_over_the_same_message_says_so(harness: WebhookHarness) -> None:
    await harness.alert(alert())
    await harness.work()
    await harness.alert(alert("resolved"))
    await harness.work()
    (message,) = harness.messenger.in_channel("C0DEPLOY")
    assert message.shown.text.startswith("✅ Resolved: ")
    assert len(message.versions) == 2
    assert "after 12 minutes" in json.dumps(message.shown.blocks)
    # The next time it fires, that is news, and another message.
    await harness.alert(alert(started="2026-11-02T10:00:00Z"))
    await harness.work()
    assert len(harness.messenger.in_channel("C0DEPLOY")) == 2


async def test_what_is_said_again_is_not_told_again(harness: WebhookHarness) -> None:
    for _ in range(3):
        await harness.alert(alert())
    await harness.alert(alert(), alert(fingerprint="f2", name="ledger-staging"))
    await harness.work()
    (message,) = harness.messenger.in_channel("C0DEPLOY")
    assert "2 firing" in message.shown.text
    versions = len(message.versions)
    await harness.alert(alert(), alert(fingerprint="f2", name="ledger-staging"))
    await harness.work()
    assert len(message.versions) == versions


def storm(count: int, status: str = "firing", **labels: str) -> list[dict[str, Any]]:
    return [alert(status, fingerprint=f"f{n}", **{"app": f"app-{n}", **labels}) for n in range(count)]


@pytest.mark.parametrize("count", [40, 60])
async def test_the_alerts_of_one_group_are_one_message_with_a_list_edited_as_they_resolve(
    harness: WebhookHarness, count: int
) -> None:
    await harness.alert(*storm(count))
    await harness.work()
    (message,) = harness.messenger.in_channel("C0DEPLOY")
    assert f"{count} firing" in message.shown.text
    assert all(f"app-{n} " in str(message.shown.blocks) for n in range(count))
    await harness.alert(*storm(10, "resolved"), *storm(count)[10:])
    await harness.work()
    assert f"{count - 10} firing, 10 resolved" in message.shown.text
    await harness.alert(*storm(count, "resolved"))
    await harness.work()
    assert harness.messenger.in_channel("C0DEPLOY") == [message]
    assert message.shown.text.startswith("✅")
    assert f"{count} resolved" in message.shown.text


async def test_a_list_that_is_too_long_says_how_many_more_there_are(harness: WebhookHarness) -> None:
    await harness.alert(*storm(300, name="x" * 80))
    await harness.work()
    (message,) = harness.messenger.in_channel("C0DEPLOY")
    assert "300 firing" in message.shown.text
    shown = str(message.shown.blocks)
    listed = shown.count("🔴 app-")
    assert 0 < listed < 300
    assert f"and {300 - listed} more" in shown
    assert len(shown) < 12_000


async def test_another_group_or_another_receiver_is_another_message(harness: WebhookHarness) -> None:
    await harness.alert(*storm(3), key="a")
    await harness.alert(*[{**one, "fingerprint": f"b{n}"} for n, one in enumerate(storm(3))], key="b")
    await harness.alert(*[{**one, "fingerprint": f"c{n}"} for n, one in enumerate(storm(3))], key="b", receiver="other")
    await harness.work()
    assert len(harness.messenger.in_channel("C0DEPLOY")) == 3


async def test_what_joins_a_group_soon_is_an_edit_and_later_it_is_news(harness: WebhookHarness) -> None:
    """An edit wakes nobody."""
    await harness.alert(*storm(2))
    await harness.work()
    harness.clock.now += 60
    await harness.alert(*storm(3))
    await harness.work()
    (message,) = harness.messenger.in_channel("C0DEPLOY")
    assert "3 firing" in message.shown.text
    harness.clock.now += 3600
    await harness.alert(*storm(4))
    await harness.work()
    first, second = harness.messenger.in_channel("C0DEPLOY")
    assert "3 firing" in first.shown.text
    assert "app-3" in second.shown.text
    await harness.alert(*storm(4, "resolved"))
    await harness.work()
    assert all(one.shown.text.startswith("✅") for one in harness.messenger.in_channel("C0DEPLOY"))


async def test_one_that_fires_anew_is_told_anew_while_its_group_still_fires(harness: WebhookHarness) -> None:
    await harness.alert(*storm(2))
    await harness.alert(*storm(1, "resolved"), *storm(2)[1:])
    await harness.alert(alert(started="2026-11-02T10:00:00Z", fingerprint="f0", app="app-0"), *storm(2)[1:])
    await harness.work()
    texts = [message.shown.text for message in harness.messenger.in_channel("C0DEPLOY")]
    (listed,) = [text for text in texts if "1 firing, 1 resolved" in text]
    (anew,) = [text for text in texts if text != listed]
    assert "app-0" in anew


async def test_each_channel_lists_its_own_alerts(harness: WebhookHarness) -> None:
    await harness.alert(*storm(4), *[{**one, "fingerprint": f"p{n}"} for n, one in
                                   enumerate(storm(2, environment="production"))])  # fmt: skip
    await harness.work()
    (here,), (there,) = harness.messenger.in_channel("C0DEPLOY"), harness.messenger.in_channel("C0INC")
    assert "4 firing" in here.shown.text
    assert "2 firing" in there.shown.text


async def test_one_alert_that_makes_no_sense_takes_none_of_its_group_with_it(harness: WebhookHarness) -> None:
    for broken in ({"status": "firing"}, 7, {**alert(), "startsAt": "soon"}, {**alert(), "labels": ["x"]}):
        assert (await harness.alert(*storm(3), broken)).status_code == 202
    await harness.work()
    (message,) = harness.messenger.in_channel("C0DEPLOY")
    assert "3 firing" in message.shown.text
    assert "1 more alert could not be read" in str(message.shown.blocks)
    assert (await harness.alert({"status": "firing"})).status_code == 400


async def test_what_alertmanager_left_out_is_counted(harness: WebhookHarness) -> None:
    await harness.alert(*storm(3), truncated=57)
    await harness.work()
    (message,) = harness.messenger.in_channel("C0DEPLOY")
    assert "left 57 more alerts out" in str(message.shown.blocks)


async def test_what_an_older_pilothouse_has_kept_is_told(harness: WebhookHarness) -> None:
    kept = dump((domain(msgspec.convert(alert(), WebhookAlert)),))
    await harness.webhooks.worker._senders["alertmanager"].act(kept)
    await harness.work()
    assert len(harness.messenger.in_channel("C0DEPLOY")) == 1


async def test_an_alert_that_was_ended_by_mistake_goes_on_in_its_own_message(harness: WebhookHarness) -> None:
    """Alertmanager ends what Prometheus was silent about for a while; then it comes again, with the start it had."""
    await harness.alert(alert())
    await harness.work()
    await harness.alert(alert("resolved"))
    await harness.work()
    # The very same bytes as at first.
    await harness.alert(alert())
    await harness.work()
    (message,) = harness.messenger.in_channel("C0DEPLOY")
    assert message.shown.text.startswith("🔴")
    assert len(message.versions) == 3


async def test_a_start_that_changes_while_it_fires_is_no_new_alert(harness: WebhookHarness) -> None:
    """Prometheus forgets when it began, if it is restarted; the end may name yet another start."""
    await harness.alert(alert())
    await harness.alert(alert(started="2026-11-01T10:05:00Z"))
    await harness.alert(alert("resolved", started="2026-11-01T10:12:00Z"))
    await harness.work()
    (message,) = harness.messenger.in_channel("C0DEPLOY")
    assert message.shown.text.startswith("✅ Resolved")
    assert "after 12 minutes" in json.dumps(message.shown.blocks)


async def test_the_end_of_what_was_never_told_is_no_news(harness: WebhookHarness) -> None:
    await harness.alert(alert("resolved"))
    await harness.work()
    assert not harness.messenger.messages


async def test_an_alert_waits_for_slack_and_only_its_end_is_told_then(harness: WebhookHarness) -> None:
    """Slack is away while it fires and ends: one message, which says how it is now."""
    harness.messenger.closed["C0DEPLOY"] = Unavailable("Slack", "chat.postMessage", "down")
    await harness.alert(alert())
    await harness.work()
    await harness.alert(alert("resolved"))
    await harness.work()
    assert not harness.messenger.messages
    harness.messenger.closed.clear()
    harness.clock.now += 600
    await harness.work()
    (message,) = harness.messenger.in_channel("C0DEPLOY")
    assert message.shown.text.startswith("✅ Resolved")


async def test_words_of_an_alert_cannot_call_anybody(harness: WebhookHarness) -> None:
    hostile = alert(app="<!channel>", run="`x` <@U0ANA>")
    hostile["annotations"] = {"summary": "<!here> *free* <http://evil|click>", "runbook_url": "javascript:alert(1)"}
    hostile["generatorURL"] = "https://ok.example.com/|<!channel>"
    await harness.alert(hostile)
    await harness.work()
    (message,) = await shown(harness, "C0DEPLOY")
    for live in ("<!here>", "<!channel>", "<@U0ANA>", "<http://evil", "javascript:"):
        assert live not in message


# Tekton


async def failed_run(harness: WebhookHarness, *, uid: str = "u-1", namespace: str = "ci") -> str:
    request = RunRequest("r-1", "ci-pipeline", "my-app", {}, "U0ANA")
    run = await harness.pipelines.start(request)
    harness.pipelines.begin(run.name)
    harness.pipelines.fail(run.name)
    await event(harness, run.name, uid, namespace)
    return run.name


async def event(
    harness: WebhookHarness, name: str, uid: str = "u-1", namespace: str = "ci", id: str = "e-1", state: str = "failed"
) -> None:
    kind = {"Ce-Type": f"dev.tekton.event.pipelinerun.{state}.v1", "Ce-Id": id}
    body = {"pipelineRun": {"metadata": {"name": name, "namespace": namespace, "uid": uid, "labels": {}}, "spec": {}}}
    answer = await harness.post("tekton", json.dumps(body).encode(), {**FAILED, **GOOD["tekton"], **kind})
    assert answer.is_success, answer.text


async def test_a_failed_run_is_told_once_with_its_reason(harness: WebhookHarness) -> None:
    """T19: an event may come twice, also under another id."""
    name = await failed_run(harness)
    await event(harness, name)
    await event(harness, name, id="e-2")
    await harness.work()
    (message,) = await shown(harness, "C0DEPLOY")
    assert says(message, "run-tests", "failed", 'test\\"', "exit code 1")
    assert "my-app" in message
    assert f"/pipeline logs {name}" in message
    assert "<@U0ANA>" in message
    assert {run.name for run in harness.runs} == {name}


@pytest.mark.parametrize("state", ["started", "successful"])
async def test_a_run_that_began_or_succeeded_is_on_record_without_a_message(
    harness: WebhookHarness, state: str
) -> None:
    """T19: each event is a hint to read the run; what is on record is what the cluster says then."""
    run = await harness.pipelines.start(RunRequest("r-1", "ci-pipeline", "my-app", {}, "U0ANA"))
    if state == "successful":
        harness.pipelines.begin(run.name)
        harness.pipelines.finish(run.name)
    await event(harness, run.name, state=state)
    await harness.work()
    assert [(heard.name, heard.done) for heard in harness.runs] == [(run.name, state == "successful")]
    assert not harness.messenger.messages


@pytest.mark.parametrize("state", ["queued", "running", "unknown"])
async def test_events_in_between_say_nothing_new(harness: WebhookHarness, state: str) -> None:
    run = await harness.pipelines.start(RunRequest("r-1", "ci-pipeline", "my-app", {}, "U0ANA"))
    await event(harness, run.name, state=state)
    assert await harness.work() == 0
    assert harness.runs == []


async def test_a_run_that_a_person_cancelled_is_not_told(harness: WebhookHarness) -> None:
    """T19: cancelled comes as `failed`, too."""
    run = await harness.pipelines.start(RunRequest("r-1", "ci-pipeline", "my-app", {}, "U0ANA"))
    await harness.pipelines.cancel(run.name, CancelMode.NOW)
    await event(harness, run.name)
    await harness.work()
    assert not harness.messenger.messages


async def test_runs_that_are_gone_or_elsewhere_are_not_told(harness: WebhookHarness) -> None:
    await event(harness, "pruned")
    await failed_run(harness, namespace="elsewhere", uid="u-2")
    assert await harness.work() >= 1
    assert not harness.messenger.messages


async def test_a_cluster_that_is_away_is_asked_again_later(harness: WebhookHarness) -> None:
    run = await harness.pipelines.start(RunRequest("r-1", "ci-pipeline", "ledger", {}, "U0ANA"))
    harness.pipelines.begin(run.name)
    harness.pipelines.fail(run.name)
    harness.pipelines.failing = Unavailable("tekton", "read", "down")
    await event(harness, run.name)
    await harness.work()
    assert not harness.messenger.in_channel("C0LEDGER")
    harness.pipelines.failing = None
    assert not await harness.work()
    harness.clock.now += 60
    assert await harness.work() == 1
    assert len(harness.messenger.in_channel("C0LEDGER")) == 1
