"""An endpoint goes through the feed: in order, at least once, for days, whatever its consumer does (S33)."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.endpoint.messages import (
    ATTEMPTS_MAX,
    ChangeEndpoint,
    CloseEndpoint,
    DeliveryEnded,
    ListAttempts,
    PingEndpoint,
    ReplayEvents,
    RotateSecret,
)
from comptoir.actors.endpoint.state import RETRY_MS, Phase, delay_of
from comptoir.actors.gateways.messages import SendMail
from comptoir.engine.decision import Decision, Refusal
from tests.actors.endpoint.player import Player

HOUR_MS = 3_600_000
OFTEN = ("grow", "call", "tell", "wait", "down")
RARE = ("up", "twice", "ping", "rotate", "off", "on")
STEPS = st.lists(st.sampled_from((*OFTEN, *OFTEN, *RARE)), min_size=20, max_size=60)
"""Mostly what leads to a call that fails: else hardly one in a hundred lists has one."""


def _play(player: Player, steps: list[str]) -> None:
    """What happens, in this order."""
    status = [200]
    player.answers = lambda _call: status[0]
    for at, step in enumerate(steps):
        match step:
            case "grow" | "call" | "tell" | "wait":
                getattr(player, step)()
            case "twice":
                player.tell(2)
            case "down" | "up":
                status[0] = 503 if step == "down" else 200
            case "ping":
                player.say(PingEndpoint(f"ping_{at}"))
            case "rotate":
                player.say(RotateSecret(f"whsec_{at}"))
            case _:
                player.say(ChangeEndpoint(enabled=step == "on"))
    status[0] = 200
    player.say(ChangeEndpoint(enabled=True))
    player.settle()


@given(STEPS)
def test_nothing_is_lost_and_none_overtakes_another(steps: list[str]) -> None:
    """S33: whatever fails, is told twice, is paused or is rotated meanwhile, the consumer takes each event, in the order
    of the feed, and one call is out at a time.
    """
    player = Player().open()
    _play(player, steps)
    heard = [one for one in player.heard if one]
    assert heard == sorted(heard)
    assert list(dict.fromkeys(heard)) == [*range(1, player.position + 1)]
    assert player.out_at_once <= 1
    assert player.state.phase is Phase.IDLE
    assert player.state.cursor == player.position


@given(STEPS, st.integers(0, 20))
def test_a_replay_tells_all_that_follows_once_more(steps: list[str], after: int) -> None:
    """S33: whoever asks for it from a position is told all from there on again, also while a call is out."""
    player = Player().open()
    player.grow(5)
    player.call()
    player.say(ReplayEvents(after=after))
    begun = len(player.heard)
    _play(player, steps)
    again = [one for one in player.heard[begun:] if one]
    assert set(range(min(after, 5) + 1, player.position + 1)) <= set(again)
    assert again == sorted(again)


def test_one_event_is_told_again_out_of_turn() -> None:
    """S33: one position, once, whatever types the endpoint wants otherwise; then it goes on where it was."""
    player = Player().open()
    player.grow(3)
    player.settle()
    player.say(ReplayEvents(position=2))
    assert player.calls[0].types == ()
    player.settle()
    assert player.heard == [1, 2, 3, 2]
    assert player.state.cursor == 3


def test_a_consumer_that_is_down_for_a_day_is_tried_by_the_schedule() -> None:
    """S33: the specification's own delays, at most a tenth more; then everything, in order."""
    player = Player(answers=lambda _call: 500).open()
    player.grow(2)
    began, tried = player.now, list[int]()
    while player.now - began < 24 * HOUR_MS:
        player.call()
        player.tell()
        assert player.timer is not None
        tried.append(player.timer - player.now)
        player.wait()
    assert len(tried) == 7
    for base, delay in zip(RETRY_MS, tried, strict=False):
        assert base <= delay <= base * 1.1
    player.answers = lambda _call: 200
    player.settle()
    assert player.heard == [1, 2]
    assert player.state.failing_since == 0


def test_one_that_fails_for_five_days_is_disabled_and_told_so() -> None:
    """S33: without one success for so long it is disabled, whoever owns it gets a mail, and nothing is lost: enabled
    again, it goes on from where it was.
    """
    player = Player(answers=lambda _call: 500).open()
    player.grow(3)
    began = player.now
    player.settle()
    assert player.state.phase is Phase.DISABLED
    assert player.state.cause == "failing"
    assert 120 * HOUR_MS <= player.now - began <= 150 * HOUR_MS
    (mail,) = player.sent
    assert isinstance(mail, SendMail)
    assert mail.to == "hub@example.org"
    assert "https://hub" not in mail.text
    player.answers = lambda _call: 200
    player.say(ChangeEndpoint(enabled=True))
    player.settle()
    assert player.heard == [1, 2, 3]


def test_one_that_is_gone_is_disabled_at_once() -> None:
    """The specification: 410 is that nobody listens there any more."""
    player = Player(answers=lambda _call: 410).open()
    player.grow()
    player.settle()
    assert (player.state.phase, player.state.cause) == (Phase.DISABLED, "gone")
    player.grow()
    assert not player.calls
    assert isinstance(player.say(PingEndpoint("ping_1")), Refusal)


def test_what_it_cannot_take_is_passed_over_by_its_owner() -> None:
    """One event that is never taken holds up the others, for order's sake, until its owner goes past it."""
    player = Player(answers=lambda call: 400 if call.after == 0 else 200).open()
    player.grow(2)
    player.call()
    player.tell()
    assert player.state.phase is Phase.WAITING
    player.say(ReplayEvents(after=1))
    player.settle()
    assert player.heard == [2]


def test_both_secrets_sign_for_a_day() -> None:
    """The specification's rotation: the old secret signs for 24 hours more, and a third one drops none before."""
    player = Player().open()
    player.say(RotateSecret("whsec_new"))
    player.grow()
    assert len(player.calls[0].secrets) == 2
    assert player.calls[0].secrets[0] == "whsec_new"
    player.settle()
    player.now += 24 * HOUR_MS + 1
    player.grow()
    assert list(player.calls[0].secrets) == ["whsec_new"]


def test_a_test_goes_out_while_an_event_waits() -> None:
    """Whoever repairs their end does not wait for the schedule; what waits keeps its place."""
    player = Player(answers=lambda call: 200 if call.ping_id else 500).open()
    player.grow()
    player.call()
    player.tell()
    player.say(PingEndpoint("ping_1"))
    player.call()
    player.tell()
    assert player.heard == [0]
    assert player.state.phase is Phase.WAITING
    assert player.timer is not None


def test_of_attempts_the_last_ones_are_kept() -> None:
    """Bounded, the newest first, with status and duration, and nothing of what was said."""
    player = Player().open()
    player.grow(ATTEMPTS_MAX + 10)
    player.settle()
    found = player.say(ListAttempts())
    assert isinstance(found, Decision)
    listed: list[Any] = list(getattr(found.reply, "attempts", ()))
    assert len(listed) == ATTEMPTS_MAX
    assert listed[0].position == ATTEMPTS_MAX + 10


def test_a_consumer_may_ask_for_time() -> None:
    """`Retry-After` counts where it is longer than the schedule, up to a day."""
    assert delay_of("we_1", 1, 1, 60_000) == 60_000
    assert delay_of("we_1", 1, 1, 10**12) == 24 * HOUR_MS
    assert delay_of("we_1", 1, 1, 0) >= RETRY_MS[0]
    assert delay_of("we_1", 1, 99, 0) >= RETRY_MS[-1]


def test_an_answer_of_another_call_changes_nothing() -> None:
    """S33: a call whose end is told twice, or after the next one left, passes over nothing."""
    player = Player().open()
    player.grow(3)
    first = player.calls[0].serial
    player.call()
    player.tell()
    stands = player.state
    for outcome in ("delivered", "nothing", "failed", "gone"):
        player.say(DeliveryEnded(first, outcome, 3))
        assert player.state == stands
    player.settle()
    assert player.heard == [1, 2, 3]


def test_what_is_closed_keeps_no_secret() -> None:
    """Its address, its secrets and what it was tried with are forgotten."""
    player = Player().open()
    player.grow()
    player.say(CloseEndpoint())
    assert player.state.keys == ()
    assert player.state.terms.url == ""
    player.call()
    player.tell()
    assert player.state.phase is Phase.CLOSED
