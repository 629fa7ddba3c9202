"""How a person is told: once, by the ways that they want, when they want, and by another where one fails."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.device.messages import ReleaseDevice
from comptoir.actors.gateways.messages import (
    NoticeRefused,
    NoticeTaken,
    PushToDevice,
    SendMail,
    SendSms,
)
from comptoir.actors.notification.messages import (
    DescribeNotices,
    ForgetNotices,
    NoticesDescribed,
    Preferences,
    PushMissed,
    QuietOver,
    SetPreferences,
)
from comptoir.actors.notification.state import (
    NoticeFellBack,
    NoticeLost,
    NotificationState,
    Phase,
)
from comptoir.actors.notification.telling import MISSED_MAX, SEEN_MAX
from comptoir.actors.notification.terms import DAY_MS
from tests.actors.notification.people import EVERYTHING, NOW, Somebody

NIGHT = Preferences("en", "UTC", 0, 23 * 60 + 59)
"""Quiet but for the last minute of the day: noon is in it."""
MAIL, NUMBER = "ada@example.org", "+33612345678"


# Who is told, and how often.


def test_every_device_is_told_once() -> None:
    """S44, S52: each device, in the person's language, and nothing else besides."""
    person = Somebody().has("phone", "tablet").reads("mail", MAIL)
    person.told("credit:tx1", points=1234)
    assert person.ways == {"push": 2}
    pushes = person.sent(PushToDevice)
    assert {one.token for one in pushes} == {"token-of-phone", "token-of-tablet"}
    assert {one.body for one in pushes} == {"1\u202f234 points crédités."}
    assert {one.devices for one in pushes} == {2}
    assert not any(one.urgent for one in pushes)


def test_a_reference_is_told_once() -> None:
    """S44: whatever comes in between, as far as the window reaches; and the window is bounded."""
    person = Somebody().has("phone")
    for number in range(SEEN_MAX):
        person.told(f"credit:{number}")
    person.out.clear()
    for number in range(SEEN_MAX):
        person.told(f"credit:{number}")
    assert person.out == []
    assert len(person.state.seen) == SEEN_MAX


def test_nobody_to_reach_costs_nothing() -> None:
    """S65: of somebody without a device or an address no row is kept, however much they buy."""
    person = Somebody()
    person.told("credit:tx1")
    assert person.out == []
    assert person.last is not None
    assert person.last.state is person.state
    assert person.state == NotificationState(Phase.OPEN)
    person.has("phone").told("credit:tx1")
    assert person.ways == {"push": 1}


def test_a_notice_that_nobody_knows() -> None:
    """S64: it is kept for a person to look at, and nothing else happens."""
    person = Somebody().has("phone")
    before = person.state
    person.told("r1", "lottery_won")
    assert person.last is not None
    letter = person.last.dead_letter
    assert letter is not None
    assert (letter.queue, letter.code) == ("dlq:notifications", "NOTICE_UNKNOWN")
    assert person.state is before


@pytest.mark.parametrize(
    ("channels", "ways"),
    [((), {}), (("mail",), {"mail": 1}), (("push", "mail"), {"push": 1}), (("sms",), {})],
)
def test_by_what_they_want(channels: tuple[str, ...], ways: dict[str, int]) -> None:
    """S44: a category that is switched off is silent, and text messages come for security only."""
    person = Somebody().has("phone").reads("mail", MAIL).reads("sms", NUMBER)
    wants = msgspec.convert(
        {"language": "en", "time_zone": "UTC", "channels": {"points": channels}}, Preferences
    )
    person.hears(SetPreferences(wants))
    person.told("credit:tx1")
    assert person.ways == ways


# When one way fails.


def test_the_next_way_when_all_devices_have_failed() -> None:
    """S44, S65: a withdrawal's end goes by mail once the last device was not shown it, and once in all."""
    person = Somebody().has("phone", "tablet").reads("mail", MAIL)
    notice = person.told("wd_1:2", "withdrawal_completed", points=950)
    person.out.clear()
    person.hears(PushMissed(notice, 2, "PUSH_UNAVAILABLE"))
    assert person.ways == {}
    person.hears(PushMissed(notice, 2, "PUSH_UNAVAILABLE"))
    (mail,) = person.sent(SendMail)
    assert (mail.to, mail.reference, mail.subject) == (MAIL, "wd_1:2", "Retrait")
    assert person.last is not None
    assert person.last.events == (NoticeFellBack("withdrawal_completed", "mail"),)


def test_no_second_fallback() -> None:
    """S64: a dead letter that is sent again and fails again brings no second mail."""
    person = Somebody().has("phone").reads("mail", MAIL)
    notice = person.told("wd_1:2", "withdrawal_completed")
    for _ in range(4):
        person.hears(PushMissed(notice, 1, "PUSH_UNAVAILABLE"))
    assert person.ways == {"push": 1, "mail": 1}
    for number in range(MISSED_MAX + 8):
        other = person.told(f"wd_{number}:3", "withdrawal_failed")
        person.hears(PushMissed(other, 1, "PUSH_UNAVAILABLE"))
    assert len(person.state.missed) == MISSED_MAX


def test_urgent_goes_on_to_a_text_message() -> None:
    """S44: a security notice that no device was shown, and whose mail is refused, goes by text message."""
    person = Somebody().has("phone").reads("mail", MAIL).reads("sms", NUMBER)
    notice = person.told("dev:1", "device_added")
    person.hears(PushMissed(notice, 1, "PUSH_REFUSED"))
    assert person.ways == {"push": 1, "mail": 1}
    person.hears(NoticeRefused("dev:1", "MAIL_REFUSED"))
    person.hears(NoticeRefused("dev:1", "MAIL_REFUSED"))
    (sms,) = person.sent(SendSms)
    assert sms.to == NUMBER
    assert person.state.mailed == ()


def test_a_mail_that_was_taken_is_the_end() -> None:
    """S44: and whatever is said of a mail that nobody waits for changes nothing."""
    person = Somebody().has("phone").reads("mail", MAIL).reads("sms", NUMBER)
    notice = person.told("dev:1", "device_added")
    person.hears(PushMissed(notice, 1, "PUSH_REFUSED"))
    person.hears(NoticeTaken("dev:1"))
    before = person.state
    person.hears(NoticeTaken("dev:1"))
    person.hears(NoticeRefused("dev:1", "MAIL_REFUSED"))
    assert person.sent(SendSms) == []
    assert person.state is before


def test_no_way_left_is_recorded() -> None:
    """S65: silent for the flow, and not for whoever reads the journal."""
    person = Somebody().has("phone")
    notice = person.told("wd_1:2", "withdrawal_completed")
    person.hears(PushMissed(notice, 1, "PUSH_UNAVAILABLE"))
    assert person.last is not None
    assert person.last.events == (NoticeLost("withdrawal_completed"),)


# Quiet hours.


def test_quiet_hours_hold_what_is_not_urgent() -> None:
    """S44: a purchase waits, by a durable timer; a new device does not."""
    person = Somebody().has("phone")
    person.hears(SetPreferences(NIGHT))
    person.told("credit:tx1", points=5)
    assert person.ways == {}
    (timer,) = person.out
    assert timer.message == QuietOver()
    assert timer.due_at == NOW + (11 * 60 + 59) * 60_000
    person.told("dev:1", "device_added")
    assert person.ways == {"push": 1}
    assert person.state.phase is Phase.QUIET
    person.now = timer.due_at
    person.hears(QuietOver())
    assert person.ways == {"push": 2}
    assert person.sent(PushToDevice)[-1].body == "5 points earned."
    assert person.state.held == ()


def test_what_waited_is_told_in_one_where_it_is_much() -> None:
    """S44: a hundred purchases in the night are one notice in the morning; what is kept of them is bounded."""
    person = Somebody().has("phone")
    person.hears(SetPreferences(NIGHT))
    for number in range(100):
        person.told(f"credit:{number}", points=1)
    assert len(person.out) == 1, "one timer"
    assert len(person.state.held) == EVERYTHING.held_max
    person.now += DAY_MS // 2 - 60_000
    person.hears(QuietOver())
    (push,) = person.sent(PushToDevice)
    assert push.body == "100 messages are waiting for you."
    assert (person.state.held, person.state.held_more) == ((), 0)


def test_without_a_way_for_the_digest_each_is_told() -> None:
    """S44: whoever wants to hear nothing of points hears of their withdrawals all the same."""
    person = Somebody().has("phone")
    channels = {"points": ()}
    wants = msgspec.structs.replace(NIGHT, channels=channels)
    person.hears(SetPreferences(wants))
    for number in range(EVERYTHING.digest_from):
        person.told(f"wd_{number}:2", "withdrawal_completed")
    person.hears(QuietOver())
    assert person.ways == {"push": EVERYTHING.digest_from}


@given(data=st.lists(st.sampled_from(["notice", "urgent", "over", "miss"]), max_size=40))
def test_nothing_is_lost_and_nothing_said_twice(data: list[str]) -> None:
    """S44, S65: whatever comes in whatever order, a notice is pushed once or told of in a digest."""
    person = Somebody(msgspec.structs.replace(EVERYTHING, digest_from=2)).has("phone", "tablet")
    person.hears(SetPreferences(NIGHT))
    said = 0
    for what in data:
        if what in ("notice", "urgent"):
            said += 1
            template = "device_added" if what == "urgent" else "points_credited"
            person.told(f"n:{said}", template)
        elif what == "over" and person.state.phase is Phase.QUIET:
            person.hears(QuietOver())
        elif what == "miss" and person.sent(PushToDevice):
            first = person.sent(PushToDevice)[0]
            person.hears(PushMissed(first.notice, first.devices, "PUSH_REFUSED"))
    pushes = person.sent(PushToDevice)
    seen = [(one.notice.reference, one.device_id) for one in pushes]
    assert len(seen) == len(set(seen))
    digests = {
        one.notice.reference: one.notice.points for one in pushes if "digest" in one.notice.template
    }
    single = {one.notice.reference for one in pushes} - set(digests)
    waiting = len(person.state.held) + person.state.held_more
    assert len(single) + sum(digests.values()) + waiting == said


# All of it.


def test_who_is_erased_is_as_one_who_never_was() -> None:
    """S60: devices, addresses, wishes and what waited are gone; the timer too, and if it comes late, nothing."""
    person = Somebody().has("phone").reads("mail", MAIL)
    person.hears(SetPreferences(NIGHT))
    person.told("credit:tx1")
    person.out.clear()
    person.hears(ForgetNotices())
    assert person.state == NotificationState(Phase.OPEN)
    assert person.last is not None
    assert person.last.cancel == ("quiet",)
    assert [one.message for one in person.out] == [ReleaseDevice("u1")]
    person.hears(QuietOver())
    assert person.state == NotificationState(Phase.OPEN)


def test_it_says_what_it_knows() -> None:
    """S44: devices, wishes and addresses."""
    person = Somebody().has("phone").reads("mail", MAIL)
    person.hears(SetPreferences(NIGHT))
    person.hears(DescribeNotices())
    assert person.last is not None
    described = person.last.reply
    assert isinstance(described, NoticesDescribed)
    assert described.preferences == NIGHT
    assert [one.id for one in described.devices] == ["phone"]
    assert [one.address for one in described.contacts] == [MAIL]


def test_a_notice_needs_no_order() -> None:
    """S44: a notice that comes before its person's first device is not told later: it would be old."""
    person = Somebody()
    person.told("credit:tx1")
    person.has("phone")
    assert person.ways == {}
