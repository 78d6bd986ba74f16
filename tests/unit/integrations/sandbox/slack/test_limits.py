"""Rate limits and short-lived permissions, in minutes that pass at once."""

import pytest

from integrations.sandbox.slack.errors import RateLimitedError, SlackError
from integrations.sandbox.slack.limits import RateLimiter, RateLimits, Tier
from integrations.sandbox.slack.model import Team
from integrations.sandbox.slack.tickets import ResponseUrls, Triggers
from tests.unit.integrations.sandbox.slack.manual_clock import ManualClock


def test_a_tier_is_calls_per_minute_with_a_tolerance() -> None:
    """S2: 20 a minute and some; a call more waits whole seconds."""
    clock = ManualClock()
    limiter = RateLimiter(clock, RateLimits(tolerance=5))
    for _ in range(25):
        limiter.check_method("users.list", Tier.TWO)
    with pytest.raises(RateLimitedError) as caught:
        limiter.check_method("users.list", Tier.TWO)
    assert caught.value.retry_after == 3
    clock.advance(caught.value.retry_after)
    limiter.check_method("users.list", Tier.TWO)


def test_a_channel_takes_one_post_a_second_after_a_burst() -> None:
    """S2."""
    clock = ManualClock()
    limiter = RateLimiter(clock, RateLimits(channel_burst=2))
    limiter.check_channel("chat.postMessage", "C1")
    limiter.check_channel("chat.postMessage", "C1")
    with pytest.raises(RateLimitedError):
        limiter.check_channel("chat.postMessage", "C1")
    limiter.check_channel("chat.postMessage", "C2")
    clock.advance(1)
    limiter.check_channel("chat.postMessage", "C1")
    with pytest.raises(RateLimitedError):
        limiter.check_channel("chat.postMessage", "C1")


def test_limits_can_be_switched_off() -> None:
    limiter = RateLimiter(ManualClock(), RateLimits(enabled=False, tolerance=0))
    for _ in range(100):
        limiter.check_method("apps.connections.open", Tier.ONE)


def test_a_trigger_lives_three_seconds_and_works_once() -> None:
    """S15."""
    clock = ManualClock()
    triggers = Triggers(clock)
    in_time, late = triggers.issue("U0ANA"), triggers.issue("U0BO")
    clock.advance(2.9)
    assert triggers.exchange(in_time).user == "U0ANA"
    with pytest.raises(SlackError, match="exchanged_trigger_id"):
        triggers.exchange(in_time)
    clock.advance(0.2)
    with pytest.raises(SlackError, match="expired_trigger_id"):
        triggers.exchange(late)
    with pytest.raises(SlackError, match="invalid_trigger_id"):
        triggers.exchange("made.up")


def test_a_response_url_has_five_uses_in_thirty_minutes() -> None:
    """S14."""
    clock = ManualClock()
    urls = ResponseUrls(clock, Team())
    used_up, old = urls.issue("commands", "U0ANA", "C0DEPLOY"), urls.issue("commands", "U0ANA", "C0DEPLOY")
    for _ in range(5):
        assert urls.use(used_up).channel == "C0DEPLOY"
    with pytest.raises(SlackError, match="expired_url"):
        urls.use(used_up)
    clock.advance(30 * 60)
    urls.use(old)
    clock.advance(1)
    with pytest.raises(SlackError, match="expired_url"):
        urls.use(old)
