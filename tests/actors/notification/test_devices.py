"""Devices and addresses of a person: who has which, what is removed, and what is proved (S44, S60)."""

from comptoir.actors.device.messages import ClaimDevice, ReleaseDevice, device_at
from comptoir.actors.gateways.messages import PushToDevice, SendMail
from comptoir.actors.notification.messages import (
    ConfirmContact,
    ContactConfirmed,
    DeviceGone,
    LoseDevice,
    RegisterDevice,
    RemoveContact,
    RemoveDevice,
    SetContact,
)
from comptoir.actors.notification.state import DeviceRemoved
from comptoir.actors.notification.terms import DAY_MS, Terms
from comptoir.engine import Decision, Outgoing, Refusal
from tests.actors.notification.people import EVERYTHING, NOW, Somebody

MAIL, NUMBER = "ada@example.org", "+33612345678"


def test_a_new_token_is_the_same_device() -> None:
    """S44: PUT again; the old token is free, and nobody is told of a new device."""
    person = Somebody().has("phone", "tablet")
    person.now += 1000
    person.hears(RegisterDevice("phone", "another-token", "android"))
    assert person.out == [
        Outgoing(device_at("another-token"), ClaimDevice("u1", "phone")),
        Outgoing(device_at("token-of-phone"), ReleaseDevice("u1")),
    ]
    newest = person.state.devices[-1]
    assert (newest.id, newest.since, newest.refreshed_at) == ("phone", NOW, NOW + 1000)
    assert len(person.state.devices) == 2


def test_a_new_device_is_told_to_the_others() -> None:
    """S44: security: who has an account of theirs hears of a device that is not theirs, never by that device."""
    person = Somebody().has("phone")
    person.hears(RegisterDevice("stranger", "token-of-stranger", "web"))
    (push,) = person.sent(PushToDevice)
    assert (push.token, push.urgent) == ("token-of-phone", True)
    assert push.notice.template == "device_added"


def test_the_first_device_is_told_by_mail() -> None:
    """S44: where there is no other device."""
    person = Somebody().reads("mail", MAIL)
    person.hears(RegisterDevice("stranger", "token-of-stranger", "web"))
    assert person.ways == {"mail": 1}


def test_devices_are_bounded() -> None:
    """S44: one more takes the place of the one that was refreshed least lately."""
    person = Somebody(Terms(push=True, devices_max=2)).has("a", "b", "c")
    assert [one.id for one in person.state.devices] == ["b", "c"]
    person.has("b", "d")
    assert [one.id for one in person.state.devices] == ["b", "d"]


def test_what_fcm_does_not_know_is_removed() -> None:
    """S44: the device is gone, its token is free, and the notice goes by the next way."""
    person = Somebody().has("phone").reads("mail", MAIL)
    notice = person.told("wd_1:2", "withdrawal_completed")
    person.out.clear()
    person.hears(DeviceGone(notice, 1, "phone", "token-of-phone"))
    assert person.state.devices == ()
    assert person.ways == {"mail": 1}
    assert person.out[0].message == ReleaseDevice("u1")
    assert person.last is not None
    assert person.last.events[0] == DeviceRemoved("phone", "unregistered")


def test_a_device_with_a_new_token_stays() -> None:
    """S44: what FCM says of the old token comes late, and says nothing of the new one."""
    person = Somebody().has("phone")
    notice = person.told("credit:tx1")
    person.hears(RegisterDevice("phone", "another-token", "android"))
    person.hears(DeviceGone(notice, 1, "phone", "token-of-phone"))
    person.hears(LoseDevice("phone", device_at("token-of-phone").key))
    assert [one.token for one in person.state.devices] == ["another-token"]


def test_a_device_that_another_has_is_lost() -> None:
    """S44, S60: whoever signed in there last is told there, and nobody else."""
    person = Somebody().has("phone", "tablet")
    person.hears(LoseDevice("phone", device_at("token-of-phone").key))
    assert [one.id for one in person.state.devices] == ["tablet"]
    assert person.last is not None
    assert person.last.events == (DeviceRemoved("phone", "claimed"),)


def test_a_device_that_is_removed() -> None:
    """S44: by its person; a second time it is not there."""
    person = Somebody().has("phone")
    person.hears(RemoveDevice("phone"))
    assert person.state.devices == ()
    assert person.hears(RemoveDevice("phone")) == Refusal("NOT_FOUND", "there is no such device")


# Addresses.


def test_an_address_is_theirs_when_they_show_its_code() -> None:
    """S44: until then nothing but the code goes there; the one before stays until then."""
    person = Somebody().reads("mail", MAIL)
    person.hears(SetContact("mail", "new@example.org", "654321"))
    (mail,) = person.sent(SendMail)
    assert (mail.to, "654321" in mail.text) == ("new@example.org", True)
    assert "654321" not in mail.subject
    person.told("wd_1:2", "withdrawal_completed")
    assert person.sent(SendMail)[-1].to == MAIL
    person.hears(ConfirmContact("mail", "654321"))
    assert [one.address for one in person.state.contacts] == ["new@example.org"]
    assert "654321" not in repr(person.state)
    person.hears(ConfirmContact("mail", "654321"))
    assert person.last is not None
    assert person.reply == ContactConfirmed(good=True), "asked again: an answer was lost"


def test_codes_are_few_and_short_lived() -> None:
    """S34, S62: five tries of a code, ten minutes, five codes a day; then it is over for everybody."""
    person = Somebody()
    person.hears(SetContact("sms", NUMBER, "123456"))
    for left in (4, 3, 2, 1, 0):
        person.hears(ConfirmContact("sms", "000000"))
        assert person.last is not None
        assert person.reply == ContactConfirmed(good=False, tries_left=left)
    person.hears(ConfirmContact("sms", "123456"))
    assert person.reply == ContactConfirmed(good=False), "the right code comes too late"
    for _ in range(EVERYTHING.codes_per_day_max - 1):
        assert isinstance(person.hears(SetContact("sms", NUMBER, "123456")), Decision)
    refused = person.hears(SetContact("mail", MAIL, "123456"))
    assert isinstance(refused, Refusal)
    assert refused.code == "CONTACT_CODES_USED_UP"
    person.now += EVERYTHING.code_ms
    person.hears(ConfirmContact("sms", "123456"))
    assert person.reply == ContactConfirmed(good=False), "its time is over"
    person.now += DAY_MS
    assert isinstance(person.hears(SetContact("mail", MAIL, "123456")), Decision)


def test_nobody_who_carries_it() -> None:
    """S44: what nobody carries is refused by name."""
    person = Somebody(Terms(push=True))
    for channel, code in (("mail", "MAIL_NOT_CONFIGURED"), ("sms", "SMS_NOT_CONFIGURED")):
        refused = person.hears(SetContact(channel, MAIL, "1"))  # type: ignore[arg-type]  # both are channels
        assert isinstance(refused, Refusal)
        assert refused.code == code


def test_an_address_is_removed() -> None:
    """S44: nothing goes there any more."""
    person = Somebody().reads("mail", MAIL)
    person.hears(RemoveContact("mail"))
    assert person.state.contacts == ()
    assert isinstance(person.hears(RemoveContact("mail")), Refusal)
    assert isinstance(person.hears(ConfirmContact("mail", "123456")), Refusal)
