"""Control is never found inside free text; what is not understood whole is refused, with a remedy that does no harm.

Each line: what somebody types → what must happen.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import commands
from bot.command import CommandRegistry
from bot.domain.errors import InvalidCommand, UserError
from bot.domain.intent import (
    CallFreeze,
    CloseReview,
    Context,
    Deploy,
    Intent,
    Promote,
    RejectImage,
    Rollback,
    RunPipeline,
    StealLock,
    TakeLock,
)
from bot.domain.reason import says_something
from bot.grammar.tokens import clean
from bot.router.forms import objections, read_form
from tests.fakes.command_harness import CommandHarness
from tests.fakes.world import core_world
from tests.unit.bot.grammar.test_words import read

TEXTS = [
    "customers are waiting!",
    "urgent!",
    "wow!! great",
    "!",
    "now ! now",
    "we said: break-glass",
    "use --break-glass next",
    "--break-glass",
    "-n",
    "dry run",
    "it's down!",
    "until friday",
    "all but payments",
    "prod and staging",
    "to prod!",
    "rollback my-app prod",
    "cancel",
    "help",
    "all",
    "previous",
    "@U0BO",
    "from staging",
    "a=b!",
]


@pytest.mark.parametrize("text", [text for text in TEXTS if says_something(text)])
@pytest.mark.parametrize("opener", ["--reason {}", "--reason={}", '--reason "{}"', "--REASON {}"])
@pytest.mark.parametrize("line", ["/deploy my-app prod", "/promote all from stg to prod", "/rollback my-app prod"])
def test_a_reason_is_a_reason_whatever_is_in_it(text: str, opener: str, line: str) -> None:
    intent = read(f"{line} {opener.format(text)}")
    assert isinstance(intent, Deploy | Promote | Rollback)
    assert intent.reason == clean(text)
    assert not getattr(intent, "break_glass", False)
    assert not getattr(intent, "dry_run", False)


@given(st.text(min_size=1, max_size=60))
def test_for_any_text_no_control_is_found_in_it_and_it_is_kept_to_the_letter(text: str) -> None:
    cleaned = clean(f"x {text}")[1:].strip()
    assume(says_something(cleaned) and not re.match("[\"'\\s]", cleaned))
    assume("--" not in cleaned)  # a flag of the command's own is asked about, see below
    intent = read(f"/deploy my-app prod --reason {text}")
    assert isinstance(intent, Deploy)
    assert (intent.reason, intent.break_glass, intent.dry_run) == (cleaned, False, False)


@pytest.mark.parametrize("flag", ["--dry-run", "--queue", "--replace", "--dryrun", "--reason", "--dry-run=true"])
@pytest.mark.parametrize("opener", ["--reason", "!", "--break-glass"])
def test_a_flag_behind_the_reason_is_asked_about_never_swallowed(flag: str, opener: str) -> None:
    with pytest.raises(UserError, match=r"inside the reason|two reasons"):
        read(f"/deploy my-app prod {opener} we try {flag}")


BLANKS = [
    "",
    " ",
    "\u200b",
    "\u00a0 \u2060",
    "\u3164",
    "\u2800\u2800",
    "\ufe0f",
    "\u202e",
    "...",
    '""',
    '"\u00ad"',
    "''",
]


@pytest.mark.parametrize("switch", ["false", "FALSE", "no", "off", "0", "true", "yes", "never"])
@pytest.mark.parametrize(
    "line",
    [
        "/deploy my-app prod --break-glass={}",
        "/deploy my-app prod --break-glass={} --reason it can wait",
        "/promote all to prod --BREAK-GLASS={} we wait for bo",
        '/deploy my-app prod --break-glass="{}"',
        "/deploy my-app prod --break-glass {}",
        "/deploy my-app prod ! {}",
    ],
)
def test_who_turns_the_glass_off_does_not_break_it(line: str, switch: str) -> None:
    with pytest.raises(UserError, match="reason to break the glass"):
        read(line.format(switch))


def test_a_reason_may_begin_with_such_a_word() -> None:
    wish = read("/deploy my-app prod --break-glass no approver is awake")
    assert isinstance(wish, Deploy)
    assert (wish.break_glass, wish.reason) == (True, "no approver is awake")


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize(
    "line",
    [
        "/deploy my-app prod ! {}",
        "/deploy my-app prod --break-glass {}",
        "/promote all to prod ! {}",
        "/deploy my-app prod --reason {}",
        "/rollback my-app prod --reason {}",
        "/lock my-app prod {}",
        "/lock my-app prod: {}",
        "/lock my-app prod --reason {}",
        "/reject p-1 {}",
        "/reject my-app@1.4.2 {}",
        "/review p-1 {}",
    ],
)
def test_a_reason_that_nobody_can_read_is_none(line: str, blank: str) -> None:
    with pytest.raises(UserError):
        read(line.format(blank))


@pytest.mark.parametrize(
    "typed",
    ["/deploy my-app prod!", "/deploy my-app! prod", "/promote all to prod!", "/deploy my-app prod! --reason x"],
)
def test_a_bang_on_a_name_breaks_nothing_and_no_remedy_leads_there(typed: str) -> None:
    with pytest.raises(UserError) as refused:
        read(typed)
    assert "Without the `!`" in refused.value.sentence


@pytest.mark.parametrize("typed", ['--reason "x" !', '! "x" !', '--break-glass "x" --break-glass', '--reason "x" ! y'])
def test_a_bang_behind_a_reason_breaks_nothing(typed: str) -> None:
    with pytest.raises(UserError, match="A `!` counts only before the reason"):
        read(f"/deploy my-app prod {typed}")


def test_a_quoted_text_without_its_flag_is_asked_about_by_its_name() -> None:
    with pytest.raises(UserError, match=r"A quoted text has no place there.*`--reason`"):
        read('/deploy my-app prod "customers are waiting"')


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("tomorrow", "acts at once"),
        ("later", "acts at once"),
        ("at 5pm", "acts at once"),
        ("17:00", "acts at once"),
        ("in 10 minutes", "acts at once"),
        ("main tomorrow", "acts at once"),
        ("friday", "acts at once"),
        ("on friday", "acts at once"),
        ("don't", "without a command nothing will be"),
        ("not", "without a command nothing will be"),
        ("cancel", "/pipeline cancel RUN"),
        ("stop", "/pipeline cancel RUN"),
        ("abort", "/pipeline cancel RUN"),
        ("undo", "/rollback APP ENV"),
        ("dry-run", "no trial run"),
        ("dry run", "no trial run"),
        ("deploy", "another command: `/deploy`"),
        ("promote to prod", "another command: `/promote`"),
        ("please", "eave it out"),
        ("now", "eave it out"),
        ("except payments", "Name the apps you want"),
        ("because it is broken", "takes no reason"),
        ("force", "does not skip gates"),
    ],
)
def test_what_is_no_revision_builds_nothing(words: str, told: str) -> None:
    with pytest.raises(UserError) as refused:
        read(f"/pipeline run my-app {words}")
    assert told in refused.value.sentence
    assert "into quotes" in refused.value.sentence or len(words.split()) > 1


@pytest.mark.parametrize(
    ("words", "revision"),
    [
        *((name, name) for name in ("main", "v1.4.2", "feature/login", "next", "test", "preview", "staging", "hotfix")),
        ("on main", "main"),
        ("from feature/login", "feature/login"),
        ("branch main", "main"),
        ('"tomorrow"', "tomorrow"),
        ("'stop'", "stop"),
        ("5a6b7c8", "5a6b7c8"),
        ("release-2026.1", "release-2026.1"),
        ("may-release", "may-release"),
        ("dont-crash", "dont-crash"),
        ("fix/cancel", "fix/cancel"),
    ],
)
def test_what_is_a_revision_stays_one(words: str, revision: str) -> None:
    intent = read(f"/pipeline run my-app {words}")
    assert isinstance(intent, RunPipeline)
    assert intent.revision == revision


UNREADABLE = [blank for blank in BLANKS if blank.strip("\"'")] + ["\U000e0041", "\u034f", "--", "?!"]


@pytest.mark.parametrize("blank", UNREADABLE)
@pytest.mark.parametrize("modal", ["reject", "pick.deploy", "pick.promote", "pick.rollback"])
def test_a_reason_in_a_window_that_nobody_can_read_is_none(modal: str, blank: str) -> None:
    typed = {"reason": {"reason": {"type": "plain_text_input", "value": blank}}}
    form = read_form({"callback_id": modal, "state": {"values": typed}})
    objected = "reason" in objections(form, CommandRegistry.load(commands).form(form.verb), ())
    assert objected or (modal != "reject" and not form["reason"])


@pytest.mark.parametrize("blank", UNREADABLE)
async def test_where_the_effect_is_made_it_is_asked_again(blank: str) -> None:
    """Whatever decoded it: a button of another version, a window, a forged request."""
    harness = CommandHarness()
    context = Context("r9", "C0DEPLOY", "c9", "T0PILOT")
    wishes: list[Intent] = [
        TakeLock(context=context, app="my-app", environment="production", reason=blank),
        StealLock(context=context, app="my-app", environment="production", reason=blank, since="2026-01-01T00:00:00"),
        RejectImage(context=context, app="my-app", image="1.4.2", reason=blank),
        CloseReview(context=context, promotion="p-1", note=blank),
    ]
    for wish in wishes:
        with pytest.raises(InvalidCommand, match="people can read"):
            await harness.run(wish, "U0DEE")


@pytest.mark.parametrize("blank", UNREADABLE)
async def test_a_rejection_that_nobody_can_read_rejects_nothing(blank: str, tmp_path: Path) -> None:
    async with core_world(tmp_path) as world:
        asked = await world.deploy("ana")
        with pytest.raises(InvalidCommand, match="people can read"):
            await world.reject("bo", asked, blank)
        assert (await world.now(asked)).rejection is None


STARTS = ["/deploy my-app prod", "/deploy my-app@1.4.2 to prod", "/promote all to prod", "/rollback my-app prod"]
HARMLESS = {
    "dry run": "--dry-run",
    "dryrun": "--dry-run",
    "-n": "--dry-run",
    "-dry-run": "--dry-run",
    "test": "--dry-run",
    "simulate": "--dry-run",
    "tomorrow 9am": "acts at once",
    "in 10 minutes": "acts at once",
    "at 17h": "acts at once",
    "tonight": "acts at once",
    "later": "acts at once",
    "on friday": "acts at once",
    "when green": "acts at once",
    "after lunch": "acts at once",
    "in half an hour": "acts at once",
    "at 5": "acts at once",
    "2h": "acts at once",
    "cancel": "/abort",
    "abort": "/abort",
    "stop": "/abort",
    "undo": "/rollback",
    "revert": "/rollback",
    "don't": "/abort",
    "not": "/abort",
    "never": "/abort",
    "wait": "/abort",
    "don’t!": "/abort",
    "nicht": "/abort",
    "except payments": "/adjust",
    "but payments": "/adjust",
    "--force": "no",
    "-f": "",
    "--yes": "",
    "--now": "",
    "because it is broken": "--reason",
    "<@U0BO>": "person",
    "@bo": "person",
    "lock": "/lock",
    "status": "/status",
}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("word", HARMLESS)
def test_words_for_later_not_undo_or_try_never_lead_to_doing_it_now(start: str, word: str) -> None:
    verb, _, rest = start.partition(" ")
    for typed in (f"{start} {word}", f"{verb} {word} {rest}"):
        with pytest.raises(UserError) as refused:
            read(typed)
        said = refused.value.sentence.partition("Expected")[0]
        assert "eave it out" not in said
        assert "break" not in said
        wanted = HARMLESS[word]
        assert wanted in said or (wanted == "--dry-run" and "no trial run" in said) or wanted == "--reason"


@pytest.mark.parametrize("start", STARTS)
def test_a_time_that_is_understood_is_kept_and_one_elsewhere_or_for_a_rollback_refused(start: str) -> None:
    verb, _, rest = start.partition(" ")
    for typed in (f"{verb} at 5pm {rest}", "/rollback my-app prod at 5pm"):
        with pytest.raises(UserError, match="acts at once"):
            read(typed)
    if verb != "/rollback":
        wish = read(f"{start} at 5pm")
        assert isinstance(wish, Deploy | Promote)
        assert wish.at == "5pm"


@pytest.mark.parametrize(
    "word", ["nonprod", "non-prod", "preprod", "pre-prod", "notprod", "unprod", "uat-prod", "prod-like", "xprod", "rod"]
)
@pytest.mark.parametrize("line", ["/deploy my-app {}", "/deploy my-app to {}", "/promote all to {}", "/lock {} x"])
def test_production_is_offered_only_for_a_slip_of_the_finger(word: str, line: str) -> None:
    with pytest.raises(UserError) as refused:
        read(line.format(word))
    assert not re.search(r"mean[^?]*`(prod|production|prd|pro)`", refused.value.sentence)


@pytest.mark.parametrize("flag", ["--force", "--env", "--rep", "--yes", "--break", "--glass", "--skip", "--reply"])
def test_no_stronger_flag_is_offered(flag: str) -> None:
    with pytest.raises(UserError) as refused:
        read(f"/deploy my-app prod {flag}")
    assert not re.search(r"Did you mean `--(replace|break-glass|reason)`", refused.value.sentence)


LOST = [
    "till 5pm tomorrow night deploying",
    "until 9am friday monday",
    "until monday morning x",
    "until eod",
    "by friday x",
    "thru monday x",
    "release tonight",
    "release (until friday) x",
    "x until friday y",
    "release by 5pm",
    "next monday x",
    "friday to monday",
    "from friday until monday",
    "starting friday until monday",
    "between mon and fri",
    "tomorrow",
    "until 17:00 cet x",
    "until 17:00 pst x",
    "until 5pm est",
    "for 2 fortnights x",
    "for ever",
    "until whenever",
    "until mon to fri x",
    "for 2h until 5pm x",
    "for 2h - 3h x",
    "and staging x",
    "+ staging x",
    ", staging x",
    "staging x",
    "/staging x",
    "x and staging",
    "plus staging x",
    "as well as staging",
    "all but payments",
    "everything but payments",
    "x except payments",
    "other than payments",
    "x but not ledger",
    "x --for",
    "x --until 5pm y",
    "x --except payments",
    "before 5pm x",
    "weekend until mon morning",
]


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("start", ["/lock prod", "/freeze prod", "/lock my-app prod", "/freeze my-app prod"])
def test_times_places_and_exceptions_are_not_swallowed_by_the_reason(start: str, lost: str) -> None:
    with pytest.raises(UserError) as refused:
        read(f"{start} {lost}")
    assert len(refused.value.sentence) < 700


@pytest.mark.parametrize(
    "text", ["until friday", "prod and staging", "all but payments", "for 2h", "--except payments", "!"]
)
@pytest.mark.parametrize("mark", [": {}", ' "about {}"', " --reason about {}"])
def test_a_marked_reason_may_hold_all_of_that(mark: str, text: str) -> None:
    intent = read("/lock my-app prod" + mark.format(text if mark[0] != ":" else f"about {text}"))
    assert isinstance(intent, TakeLock)
    assert (intent.app, intent.environment, intent.until, intent.reason) == (
        "my-app",
        "production",
        "",
        f"about {text}",
    )


@pytest.mark.parametrize(
    ("typed", "exempt"),
    [
        ("--except payments", ("payments",)),
        ("--except a, b", None),
        ("--except payments, ledger", ("payments", "ledger")),
        ("--except payments,ledger audit", ("payments", "ledger")),
        ("--except=payments,ledger", ("payments", "ledger")),
        ("except payments and ledger", ("payments", "ledger")),
        ("but not payments", ("payments",)),
        ("excluding payments", ("payments",)),
        ("--except", None),
        ("except pay", None),
    ],
)
def test_exceptions_of_a_freeze_are_all_of_them_or_none(typed: str, exempt: tuple[str, ...] | None) -> None:
    line = f"/freeze prod until mon {typed}"
    if exempt is None:
        with pytest.raises(UserError):
            read(line)
        return
    intent: Any = read(line)
    assert isinstance(intent, CallFreeze)
    assert intent.exempt_apps == exempt
