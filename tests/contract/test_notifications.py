"""How people are told, over HTTP: devices, wishes, addresses, and every way to them (S44, S52).

Source: interface.md 7 (rows b2) and 10; spec.md S44, S52, S60, S63 to S65, E14.
"""

from collections.abc import Callable

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Customer, eventually
from tests.contract.letters import Somebody
from tests.contract.test_conventions import is_problem
from tests.contract.told import POINTS, Told, put_faults, serve

Start = Callable[..., Process]
DAY_S = 86_400


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """Whoever carries notices."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon whose notices go there."""
    return serve(comptoir_daemon_shared, sandbox)


@pytest.fixture
def told(daemon: Process, sandbox: Process) -> Told:
    """Somebody new; nothing is in the way."""
    put_faults(sandbox)
    return Told(daemon, sandbox)


def test_a_purchase_is_told_on_every_device(told: Told) -> None:
    """S44, S52: in French unless they say otherwise; a device with a new token is the same; removed, it is silent."""
    first = told.registers()
    assert first.keys() == {"deviceId", "platform", "registeredAt", "refreshedAt"}
    told.registers("tablet")
    told.buys()
    for device in ("phone", "tablet"):
        push = told.inbox("push", told.token(device))[-1]
        assert (push["title"], push["body"]) == ("Cashback", "50 points crédités.")
    told.wants()
    told.later(60)
    renewed = told.registers("phone", "another-token-of-the-phone")
    assert renewed["registeredAt"] == first["registeredAt"]
    assert renewed["refreshedAt"] > first["refreshedAt"]
    assert told.devices() == ["phone", "tablet"]
    assert told.must("DELETE", "devices/tablet") == {"deviceId": "tablet", "status": "removed"}
    told.buys()
    assert len(told.inbox("push", told.token("tablet"))) == 1
    assert len(told.inbox("push")) == 2, "its old token: the new device, the first purchase"
    assert told.inbox("push", "another-token-of-the-phone")[0]["body"] == "50 points earned."
    is_problem(told.ask("DELETE", "devices/tablet"), 404, "NOT_FOUND")


def test_a_new_device_is_told_to_the_old_one(told: Told) -> None:
    """S44: whoever signs in with a stolen account is not the only one who knows."""
    told.registers()
    told.wants()
    told.registers("stranger")
    told.customer.quiet()
    assert [one["title"] for one in told.inbox("push")] == ["New device"]
    assert told.inbox("push", told.token("stranger")) == []


def test_a_device_is_of_whoever_signed_in_there_last(told: Told, sandbox: Process) -> None:
    """S44, S60: a family's tablet tells nobody of another's purchases."""
    other = Told(told.daemon, sandbox)
    told.registers("tablet")
    other.registers("tablet", told.token("tablet"))
    told.customer.quiet()
    assert told.devices() == []
    told.buys()
    assert told.inbox("push", told.token("tablet")) == []
    other.buys()
    assert len(told.inbox("push", told.token("tablet"))) == 1


def test_a_device_that_fcm_does_not_know(told: Told, sandbox: Process) -> None:
    """S44: it is removed, and the notice comes by mail."""
    told.registers()
    told.shows("mail")
    told.wants(channels={"points": ["push", "mail"]})
    gone = {"token": told.token(), "state": "unregistered"}
    assert sandbox.post("/control/fcm/tokens", gone).status == 200
    told.buys()
    told.customer.quiet()
    assert told.devices() == []
    assert told.inbox("mail")[-1]["body"] == "50 points earned.\n"
    assert len(told.inbox("mail")) == 2, "the code, and this"
    letters = Somebody.of(told.daemon, "ops", "OPERATIONS").listed(queue="dlq:notifications")
    assert letters == [], "nobody has to look into it"


def test_an_address_is_theirs_by_a_code(told: Told) -> None:
    """S44: the code goes there and comes back; until then nothing else does. Masked to everybody."""
    is_problem(told.ask("POST", "me/contacts/mail/confirm", {"code": "000000"}), 404, "NOT_FOUND")
    sent = told.must("PUT", "me/contacts/mail", {"address": told.mail}, 202)
    assert (sent["channel"], sent["status"]) == ("mail", "code_sent")
    code = told.code("mail")
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    is_problem(
        told.ask("POST", "me/contacts/mail/confirm", {"code": wrong}), 409, "CONTACT_CODE_WRONG"
    )
    waiting = told.must("GET", "me/preferences")["contacts"]
    assert [one["status"] for one in waiting] == ["waiting"]
    shown = told.must("POST", "me/contacts/mail/confirm", {"code": code})
    assert shown == {"channel": "mail", "masked": f"{told.mail[0]}***@example.org", "status": "confirmed"}  # fmt: skip
    told.shows("sms")
    contacts = told.must("GET", "me/preferences")["contacts"]
    assert contacts[1]["masked"] == f"+33****{told.number[-4:]}"
    assert told.must("DELETE", "me/contacts/sms") == {"channel": "sms", "status": "removed"}
    is_problem(told.ask("DELETE", "me/contacts/sms"), 404, "NOT_FOUND")


def test_codes_are_few(told: Told) -> None:
    """S62: nobody is written to without end by somebody else's hand."""
    for _ in range(5):
        told.must("PUT", "me/contacts/mail", {"address": told.mail}, 202)
    refused = told.ask("PUT", "me/contacts/sms", {"address": told.number})
    is_problem(refused, 409, "CONTACT_CODES_USED_UP")
    told.customer.quiet()
    assert len(told.inbox("mail")) == 5
    assert told.inbox("sms") == []
    told.later(DAY_S)
    told.must("PUT", "me/contacts/sms", {"address": told.number}, 202)


def test_quiet_hours(told: Told) -> None:
    """S44: what comes in them is told when they end, and in one where it is much; a restart forgets nothing."""
    told.registers()
    quiet = {"from": "00:00", "to": "23:59"}
    held = told.wants(timeZone="UTC", quietHours=quiet, channels={"points": ["push"]})
    assert held["quietHours"] == quiet
    now_ms = told.customer.now_ms()
    second = now_ms // 1000 % DAY_S
    if second >= DAY_S - 120:  # the last minute of the day is not quiet
        told.later(180)
    for _ in range(5):
        told.buys()
    assert told.inbox("push") == []
    told.daemon.kill()
    told.daemon.start()
    told.later(DAY_S)
    eventually(lambda: told.inbox("push") != [])
    (push,) = told.inbox("push")
    assert push["body"] == "5 messages are waiting for you."
    assert told.points() == 5 * POINTS


def test_wishes(told: Told) -> None:
    """S44: what is left out is as for everybody; PUT again changes all of it."""
    default = told.must("GET", "me/preferences")
    assert default == {
        "language": "fr", "timeZone": "Europe/Paris", "quietHours": None, "contacts": [],
        "channels": {
            "points": ["push"], "withdrawals": ["push", "mail"], "connections": ["push", "mail"],
            "security": ["push", "mail", "sms"],
        },
    }  # fmt: skip
    changed = told.wants(channels={"points": [], "security": ["sms", "mail"]})
    assert changed["channels"] == {
        **default["channels"], "points": [], "security": ["mail", "sms"],
    }  # fmt: skip
    assert told.must("GET", "me/preferences") == changed
    assert told.must("PUT", "me/preferences", {}) == default


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer"),
    [
        ("PUT", "devices/phone", {"platform": "ios"}, "/token"),
        ("PUT", "devices/phone", {"token": "short", "platform": "ios"}, "/token"),
        ("PUT", "devices/phone", {"token": "fcm-token-1", "platform": "amiga"}, "/platform"),
        ("PUT", "devices/phone", {"token": "fcm-token-1", "platform": "ios", "x": 1}, ""),
        ("PUT", "devices/a%20phone", {"token": "fcm-token-1", "platform": "ios"}, "/path/deviceId"),
        ("PUT", "me/preferences", {"language": "de"}, "/language"),
        ("PUT", "me/preferences", {"timeZone": "Europe/Atlantis"}, "/timeZone"),
        ("PUT", "me/preferences", {"quietHours": {"from": "22:00", "to": "24:00"}}, "/quietHours/to"),
        ("PUT", "me/preferences", {"quietHours": {"from": "22:00", "to": "22:00"}}, "/quietHours/to"),
        ("PUT", "me/preferences", {"channels": {"security": []}}, "/channels/security"),
        ("PUT", "me/preferences", {"channels": {"lottery": ["push"]}}, "/channels"),
        ("PUT", "me/contacts/mail", {"address": "nobody"}, "/address"),
        ("PUT", "me/contacts/sms", {"address": "0612345678"}, "/address"),
        ("POST", "me/contacts/sms/confirm", {"code": "12345"}, "/code"),
    ],
)  # fmt: skip
def test_what_is_refused(told: Told, method: str, path: str, body: object, pointer: str) -> None:
    """interface.md 1: REQUEST_INVALID with the place, and nothing is changed."""
    before = told.must("GET", "me/preferences"), told.devices()
    problem = is_problem(told.ask(method, path, body), 422, "REQUEST_INVALID")
    assert problem["errors"][0]["pointer"] == pointer
    assert (told.must("GET", "me/preferences"), told.devices()) == before


def test_another_s_devices(told: Told, sandbox: Process) -> None:
    """S34, S60: they are as ones that never were, to read and to change."""
    told.registers()
    other = Told(told.daemon, sandbox)
    for method, path, body in (
        ("GET", "devices", None),
        ("DELETE", "devices/phone", None),
        ("GET", "me/preferences", None),
        ("PUT", "me/preferences", {"language": "en"}),
    ):
        named = f"{path}?userId={told.person.name}"
        is_problem(other.ask(method, named, body), 404, "NOT_FOUND")
    assert told.devices() == ["phone"]


def test_a_request_that_is_repeated(told: Told) -> None:
    """interface.md 1: under one Idempotency-Key one code is sent, and a device registered, once."""
    for _ in range(3):
        body = {"address": told.mail}
        assert told.ask("PUT", "me/contacts/mail", body, "key-1").status == 202
        device = {"token": told.token(), "platform": "ios"}
        assert told.ask("PUT", "devices/phone", device, "key-2").status == 200
    told.customer.quiet()
    assert len(told.inbox("mail")) == 1
    assert told.devices() == ["phone"]


def test_mail_by_the_second_where_the_first_is_away(told: Told, sandbox: Process) -> None:
    """S44, S65: SendGrid answers 503, Brevo carries it: at once, and once."""
    put_faults(sandbox, {"party": "sendgrid", "fault": "status", "status": 503})
    told.must("PUT", "me/contacts/mail", {"address": told.mail}, 202)
    told.customer.quiet()
    (mail,) = told.inbox("mail")
    assert mail["data"]["carrier"] == "brevo"


def test_what_died_is_sent_again_by_hand(told: Told, sandbox: Process) -> None:
    """S64: a push that FCM refused for good is a dead letter; somebody sends it again, and it arrives."""
    told.registers()
    put_faults(
        sandbox, {"party": "fcm", "operation": "push.send", "fault": "status", "status": 400}
    )
    told.buys()
    desk = Somebody.of(told.daemon, "ops", "OPERATIONS")
    (letter,) = desk.listed(queue="dlq:notifications")
    assert letter["code"] == "PUSH_REFUSED"
    content = desk.got(f"/api/v1/dead-letters/{letter['letterId']}/content")
    assert told.token() not in str(content)
    put_faults(sandbox)
    answer = desk.ask("POST", f"/api/v1/dead-letters/{letter['letterId']}/replay")
    assert answer.status == 202, answer
    told.customer.quiet()
    eventually(lambda: len(told.inbox("push")) == 1)
    assert told.points() == POINTS


def test_without_any_way_nothing_is_kept(told: Told) -> None:
    """S65: somebody without a device is credited all the same, and nobody else is told."""
    told.buys()
    assert told.points() == POINTS
    assert told.inbox("push") == []


def test_tokens_and_addresses_are_nowhere(told: Told) -> None:
    """design.md 9.8: neither in the log nor in the metrics."""
    told.registers()
    told.shows("mail")
    told.buys()
    said = told.daemon.log.read_text(errors="replace") + told.daemon.get("/metrics").body.decode()
    assert told.token() not in said
    assert told.mail not in said
    assert Customer(told.daemon).metric("comptoir_breaker_state", gateway="push") == 0
