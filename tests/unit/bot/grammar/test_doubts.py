"""What people type into locks, freezes and promotions: taken whole, or asked about, and never half understood.

Each list reads like a day in a channel. A lock without end and a freeze of the wrong set are what a lost word costs.
"""

import pytest

from bot.domain.errors import UserError
from bot.domain.intent import CallFreeze, Promote, RunPipeline, TakeLock
from tests.unit.bot.grammar.test_words import read

TIMES = """
for ~2h x|for about 2h x|for approx. 2 hours x|for around an hour x|for at least 2h x|for max 2h x|for the next 2h x
for next 2 hours x|for a few hours x|for a couple of hours x|for several days x|for some time x|for a while x
for the day x|for the rest of the day x|for the weekend x|for the night x|for 1.5h x|for 1,5h x|for 1/2 hour x
for ½ hour x|for half a day x|for a half hour x|for 90 x|for 2hs x|for 2-3h x|for 2 to 3 hours x|for PT2H x
for 2 stunden x|für 2 stunden x|2 std x|for twenty minutes x|thirty minutes x|for a month x|for 2 months x
for a quarter x|for a year x|for one sprint x|until 5p x|until 1700 x|until 17.30 x|until EOD x|until end of day x
until tonight x|until further notice x|until i say so x|until x is done|until next monday x|until this friday x
until monday next week x|until the weekend x|until christmas x|until january x|until end of november x|until mon 9 x
until monday at 9 x|until mon 0800 x|until mon 8.00 x|until 9 o'clock x|until half past nine x|until tomorrow morning x
until friday lunchtime x|until friday inclusive x|until friday if needed x|until friday or monday x|until friday week x
until friday + 2h x|until friday plus 2 days x|until friday, then monday x|until friday 5th x|until mon @8 x
until mon @8am x|until 9am cet x|until 9am berlin time x|until 9am my time x|until 9am local x|until 9am PT x
until 9am sgt x|until 9am europe/berlin x|until 9am Tokyo x|until 9am UK time x|until 9am (cet) x|until mon 08:00 +1 x
until 8am sharp x|by friday x|before friday x|thru friday x|up to friday x|upto friday x|to friday x
-> friday x|→ friday x|- friday x
-5pm x|<5pm x|≤ 5pm x|@5pm x|@ 5pm x|at 5pm x|from 5pm x|from 5pm to 6pm x|5pm to 6pm x|5pm-6pm x|17:00-18:00 x
17-18 x|17:00–18:00 x|between 5pm and 6pm x|fri-mon x|friday-monday x|fri..mon x|fri/mon x|20 dec - 2 jan x
tomorrow x|today x|over the weekend x|overnight x|in 2h x|after 5pm x|as of 5pm x|untl friday x|unitl friday x|fro 2h x
until firday x|until tommorow x|until tmrw x|tmrw x|tommorow x|wednsday x|until=friday x|until:friday x|for=2h x
bis morgen x|bis 17 uhr x|bis montag x|jusqu'à demain x|hasta mañana x|morgen x|lundi x|(2h) x|[2h] x|2h; x
x 2h|x, 2h|x (2h)|x for 2h please|x for about two hours|x (until friday)|x until fri 9|x until the 5th|x until 5th
x until 5/12|x until 05.12.|x until 5.12.2026|x until 12/5/2026|x until 2026/12/05|x until next week|x until tommorow
x untill tmrw|x until firday|x until the bug is fixed|x ~2h|x <2h|x 2h+|x -2h|x - 2h|x — 2h|x half a day|x till lunch
x over lunch|x overnight|x this week|x all day|x all week|x for the weekend|x for one sprint|x the whole night
until 9am on the 8th x|until 9am on 8th x|until 9am the 8th x|until 9am of the 8th x|until 5pm on the 24th x
x, back at 5pm|x, done by 5pm|x starts 5pm|x since 9am|x one day|x 1 day|forever x|x forever
"""
PLACES = """
and staging x|& staging x|+ staging x|, staging x|und staging x|et staging x|y staging x|e staging x|nad staging x
then staging x|as well as staging x|along with staging x|staging x|not staging x|/ staging x|x and staging
x (staging too)|x, also staging|x, staging as well|until friday and staging x|until friday in staging x
"""
OF_AN_ENVIRONMENT = "only my-app x|for my-app x|just my-app x|for my-app until friday x|for the payments x"
EXCEPTIONS = """
but payments|w/o payments|without payments|minus payments|- payments|-payments|!payments|not payments|exempt payments
exempting payments|skip payments|allow payments|payments exempt|payments excluded|payments is ok|payments may deploy
save payments|aside from payments|apart from payments|other than payments|unless payments|bar payments|except hotfixes
x, payments excluded|x (payments may go)|außer payments|ausser payments|sauf payments|excepto payments|expect payments
exept payments|excpet payments|x except payments|x, not payments|payments only|only payments|for payments
--except payments ledger|payments migration|payments
"""
REASONS = """
investigating errors|the release of v2|load test|waiting for the vendor|for the release|for load testing|for INC-12
due to INC-12|because payments fails in staging|database migration|broken in staging|customers report errors on staging
we expect trouble|ana is on it|on-call handover|in case of fire|at the customer's request|per request of legal
one more fix|two fixes are pending|v1.4.2 has a memory leak|500 errors|5xx errors|all hands|every deploy fails
no more deploys|next release is special|this is broken|daylight saving change|sunday's incident|q4 closing
second half of the rollout|minute-by-minute checks|the may release|year-end closing|end of life of v1|hotfix only
can't connect|(deploying)|@bo is deploying|don't deploy|#123|https://example.com/INC-12|2.0 release|5 bugs found
an outage|an audit of the books|a slow database|one bad node
as agreed with legal|end to end tests|after an incident|since it fails
second try|may be broken|march release|during the audit|release!|for payments to come
"""


def each(text: str) -> list[str]:
    return [part.strip() for line in text.strip().splitlines() for part in line.split("|")]


@pytest.mark.parametrize("typed", each(TIMES))
def test_what_reads_as_a_time_never_makes_a_lock_without_end(typed: str) -> None:
    with pytest.raises(UserError):
        read(f"/lock my-app prod {typed}")


@pytest.mark.parametrize("typed", each(PLACES))
def test_what_reads_as_a_second_place_is_asked_about(typed: str) -> None:
    with pytest.raises(UserError):
        read(f"/lock my-app prod {typed}")


@pytest.mark.parametrize("typed", each(OF_AN_ENVIRONMENT))
def test_an_app_in_the_reason_of_an_environments_lock_is_asked_about(typed: str) -> None:
    with pytest.raises(UserError):
        read(f"/lock prod {typed}")


@pytest.mark.parametrize("typed", each(EXCEPTIONS))
def test_what_reads_as_an_exception_or_another_set_is_asked_about(typed: str) -> None:
    with pytest.raises(UserError):
        read(f"/freeze prod until mon {typed}")


@pytest.mark.parametrize("reason", each(REASONS))
def test_a_plain_reason_is_a_reason(reason: str) -> None:
    meant = read(f"/lock my-app prod {reason}")
    assert isinstance(meant, TakeLock)
    assert (meant.app, meant.environment, meant.until, meant.reason) == ("my-app", "production", "", reason)


@pytest.mark.parametrize("typed", [*each(TIMES), *each(PLACES), *each(EXCEPTIONS)])
def test_behind_a_mark_all_of_it_is_the_reason(typed: str) -> None:
    for mark in (":", "--reason"):
        meant = read(f"/lock my-app prod {mark} we wait {typed}")
        assert isinstance(meant, TakeLock)
        assert meant.until == ""
        assert meant.reason.startswith("we wait ")


@pytest.mark.parametrize(
    ("typed", "until", "reason"),
    [
        ('"release" for 2h', "2h", "release"),
        ('"release" until friday', "friday", "release"),
        ("'release' for 2h", "2h", "release"),
        ("«release» 2h", "2h", "release"),
        ('until friday "release"', "friday", "release"),
        ('"release until friday"', "", "release until friday"),
        ('"hot" fix of the login', "", '"hot" fix of the login'),
        ("now until 5pm release", "5pm", "release"),
        ("until friday - release", "friday", "release"),
        ("— release", "", "release"),
        ("until 9am utc+1 release", "9am utc+1", "release"),
        ("until 9am GMT+2 release", "9am gmt+2", "release"),
        ("until 17 h release", "17:00", "release"),
        ("until mon. 8am release", "mon 8am", "release"),
        ("until 5 p.m. release", "5 pm", "release"),
        ("until weds release", "weds", "release"),
        ("until 2nd of january release", "2nd of january", "release"),
        ("until january the 2nd release", "january the 2nd", "release"),
        ("until midnight release", "midnight", "release"),
        ("until midnight tomorrow release", "midnight tomorrow", "release"),
        ("until 9am on monday release", "9am on monday", "release"),
        ("until 5pm on behalf of legal", "5pm", "on behalf of legal"),
        ("until 5pm the audit", "5pm", "the audit"),
        ('--reason "release" until 5pm', "5pm", "release"),
        ('--reason="release" for 2h', "2h", "release"),
        ('--reason "release of v2"', "", "release of v2"),
        ('--reason "hot" fix of the login', "", '"hot" fix of the login'),
        ("reason: release until it is out", "", "release until it is out"),
    ],
)
def test_it_is_taken_whole(typed: str, until: str, reason: str) -> None:
    meant = read(f"/lock my-app prod {typed}")
    assert isinstance(meant, TakeLock)
    assert (meant.app, meant.environment, meant.until, meant.reason) == ("my-app", "production", until, reason)


@pytest.mark.parametrize("typed", ['"release" staging', '"release" and staging', '"release" until the bug is fixed'])
def test_what_follows_a_quoted_reason_is_not_swallowed_by_it(typed: str) -> None:
    with pytest.raises(UserError):
        read(f"/lock my-app prod {typed}")


@pytest.mark.parametrize("typed", ["my-app to prod release", "my-app @ prod release", "my-app on prod release"])
def test_a_preposition_before_the_environment_is_understood(typed: str) -> None:
    meant = read(f"/lock {typed}")
    assert isinstance(meant, TakeLock)
    assert (meant.app, meant.environment, meant.reason) == ("my-app", "production", "release")


@pytest.mark.parametrize("typed", ["payments prod until mon", "prod payments until mon", "payments in prod until mon"])
def test_an_app_before_the_time_is_the_place(typed: str) -> None:
    meant = read(f"/freeze {typed}")
    assert isinstance(meant, CallFreeze)
    assert (meant.app, meant.environment, meant.until) == ("payments", "production", "mon")


@pytest.mark.parametrize(
    "typed",
    [
        "all to prod and dev",
        "all to prod dev",
        "all to prod, dev",
        "all stg,prod",
        "my-app to prod and stg",
        "stg & prod",
    ],
)
def test_two_targets_are_no_way_from_one_to_the_other(typed: str) -> None:
    with pytest.raises(UserError, match="one environment at a time"):
        read(f"/promote {typed}")


@pytest.mark.parametrize("typed", ["all stg to prod", "stg to prod", "all stg prod", "all to prod from stg"])
def test_from_one_environment_to_another(typed: str) -> None:
    meant = read(f"/promote {typed}")
    assert isinstance(meant, Promote)
    assert (meant.source, meant.environment) == ("staging", "production")


@pytest.mark.parametrize("typed", ["my-app payments", "my-app and payments", "my-app, payments"])
def test_a_second_name_is_no_branch_to_build(typed: str) -> None:
    with pytest.raises(UserError):
        read(f"/pipeline run {typed}")


@pytest.mark.parametrize("typed", ["my-app branch payments", 'my-app "payments"', "my-app on payments"])
def test_a_branch_that_is_called_like_an_app_is_built_when_it_is_marked(typed: str) -> None:
    assert isinstance(meant := read(f"/pipeline run {typed}"), RunPipeline)
    assert meant.revision == "payments"


@pytest.mark.parametrize(
    ("typed", "told", "not_told"),
    [
        ("/deploy my-app prod2", "does not name", "Did you mean"),
        ("/deploy my-app prd2", "does not name", "Did you mean"),
        ("/deploy my-app prod if green", "acts at once", "eave it out"),
        ("/deploy my-app prod tmrw", "acts at once", "eave it out"),
        ("/deploy my-app prod tommorow", "acts at once", "eave it out"),
        ("/deploy my-app prod heute abend", "acts at once", "eave it out"),
        ("/deploy my-app prod ok?", "--dry-run", "eave it out"),
        ("/deploy my-app prod ?", "--dry-run", "eave it out"),
        ("/deploy my-app prod -reason login", "--reason", "eave it out"),
        ("/pipeline stop r1", "/pipeline cancel", "`pipeline show`"),
        ("/pipeline abort r1", "/pipeline cancel", "`pipeline run`"),
        ("/pipeline rerun r1", "no command", "`pipeline run`"),
        ("/pilothouse pause prod", "/freeze", "Did you mean"),
        ("/pilothouse dont deploy my-app prod", "Nothing was done", "Did you mean"),
    ],
)
def test_the_remedy_does_no_harm(typed: str, told: str, not_told: str) -> None:
    with pytest.raises(UserError) as refused:
        read(typed)
    assert told in refused.value.sentence
    assert not_told not in refused.value.sentence


@pytest.mark.parametrize("dash", ["−−dry-run", "‒‒dry-run", "‑‑dry‑run", "—dry-run"])
def test_a_dash_of_a_phone_is_a_dash(dash: str) -> None:
    assert getattr(read(f"/deploy my-app prod {dash}"), "dry_run", False)
