"""Every command's grammar, as people type it."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import commands
from bot.command import CommandRegistry
from bot.domain.environment import Environment
from bot.domain.errors import InvalidCommand, UnknownName, UserError
from bot.domain.image import is_digest
from bot.domain.intent import (
    Abort,
    Approve,
    CancelRun,
    Context,
    Deploy,
    Help,
    Intent,
    ListRuns,
    Pick,
    Promote,
    Reject,
    RetryRun,
    Rollback,
    RunLogs,
    RunPipeline,
    ShowRun,
    ShowScan,
    Status,
)
from bot.domain.pipeline import CancelMode
from bot.grammar import Vocabulary
from bot.grammar.flags import SWITCHES

DIGEST = "sha256:" + "0123456789abcdef" * 4
ENVIRONMENTS = (
    Environment("development", 0, ("dev",)),
    Environment("staging", 1, ("stg",)),
    Environment("production", 2, ("prod", "prd", "pro")),
)
CONTEXT = Context("r1", "C0DEPLOY", "c1")
REGISTRY = CommandRegistry.load(commands)
USUAL = ("my-app", "storefront", "payments", "ledger")
AWKWARD = (*USUAL, "dev", "prod", "to", "all", "help", "from")


def read(line: str, apps: tuple[str, ...] = USUAL) -> Intent:
    slash, _, text = line.partition(" ")
    spoken = REGISTRY.find(slash, text)
    words = spoken.words(CONTEXT)
    words.vocabulary = Vocabulary(apps, ENVIRONMENTS)
    return spoken.parse(words)


def deploy(app: str, environment: str, image: str = "", **more: object) -> Deploy:
    return replace(Deploy(context=CONTEXT, app=app, environment=environment, image=image), **more)  # type: ignore[arg-type]


PROMOTE_THREE = Promote(context=CONTEXT, apps=("my-app", "payments", "ledger"), environment="production")
BACK_TO = Rollback(context=CONTEXT, app="my-app", environment="production", to="1.4.1")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("/deploy my-app prod", deploy("my-app", "production")),
        ("/deploy my-app to prod", deploy("my-app", "production")),
        ("/deploy my-app on prd", deploy("my-app", "production")),
        ("/deploy prod my-app", deploy("my-app", "production")),
        ("/deploy to prod my-app", deploy("my-app", "production")),
        ("/deploy MY-APP Production", deploy("my-app", "production")),
        ("/deploy my-app@1.4.2 on stg", deploy("my-app", "staging", "1.4.2")),
        ("/deploy my-app:1.4.2 to prod", deploy("my-app", "production", "1.4.2")),
        ("/deploy my-app v1.4.2 prod", deploy("my-app", "production", "v1.4.2")),
        ("/deploy prod my-app 1.4.2", deploy("my-app", "production", "1.4.2")),
        ("/deploy my-app into prod", deploy("my-app", "production")),
        ("/deploy my-app in prod", deploy("my-app", "production")),
        ("/promote my-app, payments and ledger to prod", PROMOTE_THREE),
        ("/promote my-app,payments & ledger to prod", PROMOTE_THREE),
        ("/scan my-app 1.4.2", ShowScan(context=CONTEXT, app="my-app", image="1.4.2")),
        ("/rollback my-app in prod", Rollback(context=CONTEXT, app="my-app", environment="production", choose=True)),
        ("/rollback my-app prod 1.4.1", BACK_TO),
        ("/rollback my-app@1.4.1 prod", BACK_TO),
        ("/rollback my-app to 1.4.1 in prod", BACK_TO),
        ("/deploy my-app @1.4.2 dev", deploy("my-app", "development", "1.4.2")),
        (f"/deploy my-app@{DIGEST} pro", deploy("my-app", "production", DIGEST)),
        ("/deploy my-app prod --dry-run", deploy("my-app", "production", dry_run=True)),
        ("/deploy —dry-run my-app prod", deploy("my-app", "production", dry_run=True)),
        ("/deploy my-app prod --reason fix the login", deploy("my-app", "production", reason="fix the login")),
        ("/deploy --reason “fix the login” my-app prod", deploy("my-app", "production", reason="fix the login")),
        (
            '/deploy my-app prod --reason="fix it" --dry-run',
            deploy("my-app", "production", reason="fix it", dry_run=True),
        ),
        ("/deploy my-app prod ! it burns", deploy("my-app", "production", reason="it burns", break_glass=True)),
        ("/deploy my-app prod --reason it burns!", deploy("my-app", "production", reason="it burns!")),
        ("/deploy my-app prod --reason it  'b' now ! x", deploy("my-app", "production", reason="it  'b' now ! x")),
        ("/deploy my-app prod --at 22:00", deploy("my-app", "production", at="22:00")),
        ("/deploy --at tomorrow 9:00 my-app prod", deploy("my-app", "production", at="tomorrow 9:00")),
        ('/deploy my-app --at "mon 08:00" prod', deploy("my-app", "production", at="mon 08:00")),
        ("/deploy my-app prod --at=22:00 --reason x", deploy("my-app", "production", at="22:00", reason="x")),
        ("/deploy my-app prod --when-open", deploy("my-app", "production", when_open=True)),
        (
            "/promote all to prod --at 2h",
            Promote(context=CONTEXT, apps=(), environment="production", at="2h"),
        ),
        (
            "/rollback my-app prod ! it burns",
            Rollback(context=CONTEXT, app="my-app", environment="production", reason="it burns", break_glass=True),
        ),
        ("/deploy my-app prod --dry-run=true", deploy("my-app", "production", dry_run=True)),
        ("/rollback my-app to prod", Rollback(context=CONTEXT, app="my-app", environment="production", choose=True)),
        ("/rollback my-app to prod to 1.4.1", BACK_TO),
        ("/approve", Approve(context=CONTEXT, promotion="", content_hash="")),
        ("/approve P-12345678", Approve(context=CONTEXT, promotion="p-12345678", content_hash="")),
        (
            "/deploy my-app prod --break-glass it burns",
            deploy("my-app", "production", reason="it burns", break_glass=True),
        ),
        ("/pilothouse deploy my-app prod", deploy("my-app", "production")),
        ("/Deploy my-app prod", deploy("my-app", "production")),
        ("/promote my-app to prod", Promote(context=CONTEXT, apps=("my-app",), environment="production")),
        (
            "/promote my-app from staging to prod",
            Promote(context=CONTEXT, apps=("my-app",), environment="production", source="staging"),
        ),
        (
            "/promote my-app staging prod",
            Promote(context=CONTEXT, apps=("my-app",), environment="production", source="staging"),
        ),
        (
            "/promote my-app ledger to prod --reason train 12",
            Promote(context=CONTEXT, apps=("my-app", "ledger"), environment="production", reason="train 12"),
        ),
        ("/promote all to prod", Promote(context=CONTEXT, apps=(), environment="production")),
        *(
            (text, Promote(context=CONTEXT, apps=(), environment="production", source="staging"))
            for text in (
                "/promote staging to prod",
                "/promote from staging to prod",
                "/promote all from staging to prod",
            )
        ),
        ("/rollback my-app prod", Rollback(context=CONTEXT, app="my-app", environment="production", choose=True)),
        (
            "/rollback my-app prod to 1.4.1",
            Rollback(context=CONTEXT, app="my-app", environment="production", to="1.4.1"),
        ),
        ("/rollback prod my-app to previous", Rollback(context=CONTEXT, app="my-app", environment="production")),
        ("/status", Status(context=CONTEXT)),
        ("/status my-app", Status(context=CONTEXT, app="my-app")),
        ("/status prod", Status(context=CONTEXT, environment="production")),
        ("/status prod my-app", Status(context=CONTEXT, app="my-app", environment="production")),
        ("/scan my-app", ShowScan(context=CONTEXT, app="my-app")),
        ("/scan my-app prod", ShowScan(context=CONTEXT, app="my-app", environment="production")),
        ("/scan my-app @1.4.2 --rescan", ShowScan(context=CONTEXT, app="my-app", image="1.4.2", rescan=True)),
        ("/pipeline run my-app", RunPipeline(context=CONTEXT, app="my-app")),
        (
            "/pipeline run my-app feature/login a=b c='d e' ",
            RunPipeline(context=CONTEXT, app="my-app", revision="feature/login", params={"a": "b", "c": "d e"}),
        ),
        ("/pipeline list", ListRuns(context=CONTEXT)),
        ("/pipeline LIST my-app", ListRuns(context=CONTEXT, app="my-app")),
        ("/pipeline show my-app-abc12", ShowRun(context=CONTEXT, run="my-app-abc12")),
        ("/pipeline logs my-app-abc12", RunLogs(context=CONTEXT, run="my-app-abc12")),
        ("/pipeline cancel my-app-abc12", CancelRun(context=CONTEXT, run="my-app-abc12")),
        (
            "/pipeline cancel --gracefully my-app-abc12",
            CancelRun(context=CONTEXT, run="my-app-abc12", mode=CancelMode.STOP_GRACEFULLY),
        ),
        ("/pipeline retry my-app-abc12", RetryRun(context=CONTEXT, run="my-app-abc12")),
        ("/approve p-12345678", Approve(context=CONTEXT, promotion="p-12345678", content_hash="")),
        (
            "/reject p-12345678 it's too risky",
            Reject(context=CONTEXT, promotion="p-12345678", content_hash="", reason="it's too risky"),
        ),
        ("/abort p-12345678", Abort(context=CONTEXT, promotion="p-12345678")),
        ("/deploy", Pick(context=CONTEXT, verb="deploy")),
        ("/deploy my-app", Pick(context=CONTEXT, verb="deploy", app="my-app")),
        ("/rollback prod", Pick(context=CONTEXT, verb="rollback", environment="production")),
        ("/pipeline run", Pick(context=CONTEXT, verb="pipeline run")),
        ("/deploy help", Help(context=CONTEXT, verb="deploy")),
        ("/pipeline", Help(context=CONTEXT, verb="pipeline")),
        ("/pipeline help", Help(context=CONTEXT, verb="pipeline")),
        ("/pipeline run --help", Help(context=CONTEXT, verb="pipeline run")),
        ("/pilothouse", Help(context=CONTEXT)),
        ("/pilothouse help", Help(context=CONTEXT)),
        ("/pilothouse help deploy", Help(context=CONTEXT, verb="deploy")),
        ("/pilothouse help pipeline run", Help(context=CONTEXT, verb="pipeline run")),
    ],
)
def test_what_is_typed_is_what_is_meant(typed: str, meant: Intent) -> None:
    assert read(typed) == meant


@pytest.mark.parametrize(
    ("typed", "error", "says"),
    [
        ("/deploy my-ap prod", UnknownName, "`my-ap` does not name an app. Did you mean `my-app`?"),
        ("/deploy my-app prdo", UnknownName, "`prdo` does not name an environment. Did you mean"),
        ("/deploy my-app to nowhere", UnknownName, "`nowhere` does not name an environment."),
        ("/deploy my-app to", InvalidCommand, "Nothing follows `to`."),
        (
            "/deploy my-app prod staging",
            InvalidCommand,
            "takes one environment. From one to another: `/promote my-app from ENV",
        ),
        (
            "/deploy my-app ledger prod",
            InvalidCommand,
            "takes one app, and `ledger` is a second one. Several travel together: `/promote my-app ledger",
        ),
        ("/deploy my-app prod --dryrun", InvalidCommand, "For a trial that changes nothing add `--dry-run`."),
        ("/deploy my-app@ prod", InvalidCommand, "is not an image. Give a tag (`@v1.4.2`)"),
        ("/deploy my-app@sha256:123 prod", InvalidCommand, "`@sha256:123` is not an image."),
        ("/deploy my-app@1 ledger@2 prod", InvalidCommand, "More than one image"),
        (
            "/deploy my-app prod please",
            InvalidCommand,
            "`please` is not understood there. Leave it out",
        ),
        ("/deploy my-app@1.4.2 1.4.3 prod", InvalidCommand, "It is not clear what `1.4.3` means"),
        ("/deploy my-app prodd", UnknownName, "`prodd` does not name an environment. Did you mean `prod`"),
        ("/deploy zzz prod", UnknownName, "`zzz` does not name an app. Known: "),
        ("/deploy my-app qa", UnknownName, "an environment. Known: development, staging, production."),
        ("/deploy my-app from staging to prod", InvalidCommand, "`/promote my-app from ENV to ENV`"),
        ("/deploy my-app prod --reason", InvalidCommand, "Nothing follows `--reason`."),
        ("/freeze prod for 2h --except nope", UnknownName, "`nope` does not name an app."),
        ("/deploy my-app prod !", InvalidCommand, "Breaking the glass needs a reason."),
        ("/deploy my-app prod --at", InvalidCommand, "No time follows `--at`."),
        ("/deploy my-app --at prod", InvalidCommand, "No time follows `--at`."),
        ("/deploy my-app prod --at 22:00 --when-open", InvalidCommand, "It starts at a time"),
        ("/deploy my-app prod --at 22:00 ! it burns", InvalidCommand, "Broken glass does not wait."),
        ("/deploy my-app prod --when-open ! it burns", InvalidCommand, "Broken glass does not wait."),
        ("/deploy my-app prod tomorrow 9am", InvalidCommand, "ends with `at 22:00`, `tomorrow 9:00` or `when open`"),
        ("/rollback my-app prod --at 22:00", InvalidCommand, "cannot wait for a time"),
        ("/deploy my-app prod --reason x --at 22:00", InvalidCommand, "`--at` stands inside the reason."),
        ("/deploy my-app prod ! now --reason later", InvalidCommand, "There are two reasons."),
        ("/deploy my-app prod!", InvalidCommand, "`prod!` is not a name. Without the `!` it is: `prod`."),
        ("/deploy my-app prod --reason x --dry-run", InvalidCommand, "`--dry-run` stands inside the reason."),
        ("/deploy my-app prod --reason x --dryrun", InvalidCommand, "`--dryrun` stands inside the reason."),
        ("/deploy my-app@1.4.2", InvalidCommand, "Name an environment too."),
        ("/deploy prod --reason it burns", InvalidCommand, "Name an app too."),
        ("/status my-app@1.4.2", InvalidCommand, "`/status` takes no image"),
        ("/rollback my-app prod to", InvalidCommand, "Nothing follows `to`."),
        ("/promote all my-app to prod", InvalidCommand, "It is not clear what `my-app` means"),
        ("/pipeline run my-app -x", InvalidCommand, "`-x` is not a branch, tag or commit."),
        ("/pipeline run nope", UnknownName, "`nope` does not name an app."),
        ("/pipeline show ../etc", InvalidCommand, "`../etc` does not name a pipeline run."),
        ("/pipeline cancel x --gracefully --run-finally", InvalidCommand, "stopped in one way only"),
        ("/pipeline lsit", InvalidCommand, "There is no command `pipeline lsit`. Did you mean `pipeline list`?"),
        ("/pilothouse depoly my-app", InvalidCommand, "There is no command `depoly`. Did you mean `deploy`?"),
        ("/approve p-1 p-2", InvalidCommand, "It is not clear what `p-2` means"),
        ("/reject p-1", InvalidCommand, "A rejection needs a reason."),
        ("/deploy my-app prod at 25:00", InvalidCommand, "`at 25:00` is not understood there."),
        ("/reject my-app@v1.4.2", InvalidCommand, "Expected: `/reject APP@TAG|APP@DIGEST REASON`."),
        ("/status <@U0MIA|mia>", InvalidCommand, "That reads as a person, and this command takes none."),
        ("/deploy <@U0MIA|mia> prod", InvalidCommand, "an image stands after its app"),
        ("/deploy " + "x" * 500 + " prod", UnknownName, "x…` does not name an app."),
        ("/subscribe degradedd", UnknownName, "an app, an environment or an event. Did you mean `degraded`?"),
        ("/subscribe my-app degradedd", UnknownName, "an environment or an event. Did you mean `degraded`?"),
        ("/subscribe my-app prod degradedd", UnknownName, "does not name an event. Did you mean `degraded`?"),
        ("/subscribe my-app prod wombat", UnknownName, "does not name an event. Known: aborted, degraded, "),
        (
            "/subscribe wombat",
            UnknownName,
            "Environments: development, staging, production. Events: aborted, degraded, ",
        ),
        ("/subscribe my-app prod hree", UnknownName, "Did you mean `here`?"),
        ("/unsubscribe my-app degradedd", UnknownName, "an environment or an event. Did you mean `degraded`?"),
        ("/pilothouse mute my-app degradedd for 2h", UnknownName, "or an event. Did you mean `degraded`?"),
        ("/pilothouse mute my-app offf", UnknownName, "Did you mean `off`?"),
        ("/promote alll to prod", UnknownName, "Did you mean `all`?"),
        ("/history wombat", UnknownName, "Apps: ledger, my-app, payments, storefront. Environments: development, "),
        ("/rollback my-app prod previos", InvalidCommand, "Did you mean `previous`?"),
        ("/schedule cancell p-1", InvalidCommand, "Did you mean `cancel`?"),
        ("/delegate offf", InvalidCommand, "Did you mean `off`?"),
        ("/history my-app --pag 2", InvalidCommand, "has no flag `--pag`. Did you mean `--page`?"),
        ("/lock my-app prod --untl 5pm why", InvalidCommand, "Did you mean `--until`?"),
        ("/dora --sinc 30d", InvalidCommand, "has no flag `--sinc`. Did you mean `--since`?"),
        ("/dora my-app prod --sinc=30d", InvalidCommand, "has no flag `--sinc`. Did you mean `--since`?"),
        ("/dora -since 30d", InvalidCommand, "has no flag `-since`. Did you mean `--since`?"),
        ("/dora --frobnicate 30d", InvalidCommand, "has no flag `--frobnicate`."),
        ("/dora --since=", InvalidCommand, "Nothing follows `--since=`."),
        ("/deploy my-app prod --att 22:00", InvalidCommand, "has no flag `--att`."),
        ("/deploy my-app prod --replce now", InvalidCommand, "has no flag `--replce`. Did you mean `--replace`?"),
        ("/promote my-app from stagin to prod --queu", InvalidCommand, "Did you mean `--queue`?"),
        ("/rollback my-app prod --qeue undo", InvalidCommand, "Did you mean `--queue`?"),
        ("/deploy my-app prod --force", InvalidCommand, "does not skip gates"),
        ("/status --pagee tomorrow", InvalidCommand, "Did you mean `--page`?"),
        ("/pilothouse mute my-app --fro 2h", InvalidCommand, "has no flag `--fro`. Did you mean `--for`?"),
        ("/delegate <@U0MIA|mia> --untill fri", InvalidCommand, "Did you mean `--until`?"),
        ("/delegate --to <@U0MIA|mia> until fri", InvalidCommand, "has no flag `--to`."),
        ("/freeze --untill mon 08:00 prod", InvalidCommand, "has no flag `--untill`. Did you mean `--until`?"),
        ("/lock --fro 2h my-app prod why", InvalidCommand, "has no flag `--fro`. Did you mean `--for`?"),
        ("/lock prod --reson maintenance", InvalidCommand, "Did you mean `--reason`?"),
        ("/reject --reason leaky my-app@1.4.2", InvalidCommand, "has no flag `--reason`."),
        ("/lock my-app stagin a migration", UnknownName, "does not name an environment. Did you mean `staging`"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_was_wrong(typed: str, error: type[UserError], says: str) -> None:
    with pytest.raises(error) as refused:
        read(typed)
    assert says in refused.value.sentence


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        ("/dora --since=30d", "/dora --since 30d"),
        ("/history my-app --page=2", "/history my-app --page 2"),
        ("/status --page=2 --unwell", "/status --unwell --page 2"),
        ("/pilothouse mute my-app --for=2h", "/pilothouse mute my-app --for 2h"),
        ("/pilothouse mute my-app --until=18:00", "/pilothouse mute my-app until 18:00"),
        ('/delegate <@U0MIA|mia> --for="2 weeks"', "/delegate <@U0MIA|mia> for 2 weeks"),
    ],
)
def test_the_value_of_a_flag_stands_behind_a_space_or_an_equals_sign(typed: str, same: str) -> None:
    assert read(typed) == read(same)


def test_refusals_say_what_was_expected() -> None:
    with pytest.raises(UserError, match=r"Expected: `/deploy APP\[@TAG"):
        read("/deploy my-ap prod")


@pytest.mark.parametrize(
    ("typed", "app", "environment"),
    [
        ("/deploy dev prod", "dev", "production"),
        ("/deploy dev dev", "dev", "development"),
        ("/deploy prod dev", "prod", "development"),
        ("/deploy my-app dev", "my-app", "development"),
        ("/deploy dev to dev", "dev", "development"),
        ("/deploy env:dev app:prod", "prod", "development"),
        ("/deploy app:to prod", "to", "production"),
        ("/deploy app:help staging", "help", "staging"),
        ("/deploy App:all to env:prod", "all", "production"),
        ("/deploy from staging", "from", "staging"),
    ],
)
def test_apps_named_like_environments_or_keywords_can_be_meant(typed: str, app: str, environment: str) -> None:
    assert read(typed, AWKWARD) == deploy(app, environment)


def test_all_is_every_app_unless_it_is_said_to_be_one() -> None:
    assert read("/promote all to prod", AWKWARD) == Promote(context=CONTEXT, apps=(), environment="production")
    one = read("/promote app:all to prod", AWKWARD)
    assert one == Promote(context=CONTEXT, apps=("all",), environment="production")


def understood_or_refused(line: str) -> bool:
    try:
        return read(line, AWKWARD).context is CONTEXT
    except UserError as refused:
        return bool(refused.sentence.strip())


@given(st.text(max_size=80), st.sampled_from([c.slash for c in REGISTRY] + ["pilothouse"]))
def test_no_text_does_worse_than_a_refusal(text: str, verb: str) -> None:
    assert understood_or_refused(f"/{verb} {text}")


NAMES = ["my-app", "ledger", "dev", "prod", "app:dev", "env:dev", "@1.4.2", "a=b", "run", "list", "show", "x"]
KEYWORDS = ["to", "from", "on", "all", "help", "--dry-run", "--reason", "--rescan", "!", "--"]
NOISE = ['"', "'", "@", "`", "<", "|", ">"]
PIECES = st.sampled_from([*NAMES, *KEYWORDS, *NOISE])


@given(st.lists(PIECES, max_size=8), st.sampled_from([c.verb for c in REGISTRY if c.parse]))
def test_no_mixture_of_known_words_does_worse_than_a_refusal(pieces: list[str], verb: str) -> None:
    assert understood_or_refused(f"/{verb} {' '.join(pieces)}")


REASONS = st.from_regex(r"[a-zA-Z][a-zA-Z0-9,.:;()]{0,8}( [a-zA-Z0-9,.:;()]{1,9}){0,4}", fullmatch=True).filter(
    lambda reason: reason.casefold() not in SWITCHES
)
TAGS = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,20}", fullmatch=True)


@st.composite
def deployments(draw: st.DrawFn) -> tuple[str, Deploy]:
    """A way to type a Deploy, and that Deploy."""
    app = draw(st.sampled_from(AWKWARD))
    environment = draw(st.sampled_from(ENVIRONMENTS))
    image = draw(st.one_of(st.just(""), TAGS, st.just(DIGEST)))
    said = draw(st.sampled_from([environment.name, *environment.aliases]))
    where = draw(st.sampled_from([[f"env:{said}"], ["to", said], ["on", said.upper()]]))
    what = [f"app:{app}@{image}"] if image else [f"app:{app}"]
    dry_run = draw(st.booleans())
    parts = [what, where, ["--dry-run"] if dry_run else []]
    words = [word for part in draw(st.permutations(parts)) for word in part]
    reason = draw(st.one_of(st.just(""), REASONS))
    break_glass = bool(reason) and draw(st.booleans())
    flag = draw(st.sampled_from(["!", "--break-glass"])) if break_glass else "--reason"
    quoted = [flag, f'"{reason}"'] if reason else []
    line = [*quoted, *words] if draw(st.booleans()) else [*words, *([flag, reason] if reason else [])]
    meant = deploy(app, environment.name, image, reason=reason, dry_run=dry_run, break_glass=break_glass)
    return " ".join(["/deploy", *line]), meant


@given(deployments())
def test_every_way_to_type_a_deployment_is_read_back_as_that_deployment(typed: tuple[str, Deploy]) -> None:
    line, meant = typed
    assume(not meant.image or is_digest(meant.image) or not meant.image.startswith("sha256"))
    assert read(line, AWKWARD) == meant


@given(st.permutations(["my-app@1.4.2", "prod", "--dry-run"]))
def test_words_may_come_in_any_order(words: list[str]) -> None:
    assert read("/deploy " + " ".join(words)) == deploy("my-app", "production", "1.4.2", dry_run=True)
