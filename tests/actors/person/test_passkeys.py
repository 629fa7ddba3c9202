"""Passkeys of a person: made, shown, several, never the last way in (S34; Web Authentication 7.1, 7.2)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import PublicKeyCredentialRpEntity, UserVerificationRequirement
from hypothesis import example, given
from hypothesis import strategies as st

from comptoir.actors.person.machine import (
    MACHINE,
    Enrolled,
    PasskeyAdded,
    PasskeyDropped,
    PersonState,
    Phase,
    SignatureCounterRegressed,
    SignInFailed,
    SignInSucceeded,
)
from comptoir.actors.person.messages import (
    AddPasskey,
    ConfirmSeed,
    EnrolPasskey,
    InvitePerson,
    LinkHolds,
    LinkRefused,
    ListPasskeys,
    OfferSeed,
    PasskeyAnswer,
    PasskeyRegistered,
    PasskeyRemoved,
    PasskeysListed,
    RemovePasskey,
    ShowLink,
    SignedIn,
    SignIn,
    SignInByPasskey,
    SignInRefused,
)
from comptoir.actors.person.passkeys import PASSKEYS_MAX
from comptoir.actors.person.totp import password_at
from comptoir.engine.decision import Decision, Refusal
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Message, Reply
from tests.actors.person.authenticator import Authenticator

DAWN = 1_800_000_000_000
DAY_MS = 86_400_000
SEED = b"12345678901234567890"
CHALLENGE = websafe_encode(b"thirty-two random bytes, or such")
OTHER = websafe_encode(b"thirty-two other bytes,  or such")
RP_ID, ORIGIN = "id.example", "https://id.example"
HANDLE = websafe_encode(b"blind")
INVITE = InvitePerson("m.durand", ("COMPLIANCE",), "link", DAY_MS)
BY_KEY = ("hwk", "user", "mfa")
RSA_KEY = rsa.generate_private_key(65537, 2048)
WEAK_KEY = rsa.generate_private_key(65537, 1024)


def options(challenge: str = CHALLENGE) -> dict[str, Any]:
    """What a browser is asked."""
    return {"challenge": challenge, "user": {"id": HANDLE}}


def answered(credential: str, challenge: str = CHALLENGE) -> PasskeyAnswer:
    """An answer to this challenge on our own page."""
    return PasskeyAnswer(credential, challenge, RP_ID, ORIGIN)


class Person:
    """One person's actor, without an engine."""

    def __init__(self) -> None:
        self.state = PersonState(Phase.UNKNOWN)
        self.now = DAWN
        self.events: tuple[object, ...] = ()

    def ask(self, message: Message) -> Reply | str | None:
        """Decide, and make it durable; of a refusal the code."""
        context = Context(Address("person", "blind"), self.now, 1)
        outcome = MACHINE.decide(self.state, message, context)
        if isinstance(outcome, Refusal):
            self.events = ()
            return outcome.code
        assert isinstance(outcome, Decision)
        self.state, self.events = outcome.state, outcome.events
        return outcome.reply

    def enrol(self, device: Authenticator) -> Reply | str | None:
        """With a passkey."""
        made = device.create(options())
        return self.ask(EnrolPasskey("link", "key", answered(made)))

    def add(self, device: Authenticator, name: str = "another") -> Reply | str | None:
        """Another passkey."""
        return self.ask(AddPasskey(name, answered(device.create(options()))))

    def show(self, device: Authenticator) -> Reply | str | None:
        """Sign in."""
        return self.ask(SignInByPasskey(answered(device.get(options()))))


def _known(methods: tuple[str, ...] = BY_KEY) -> SignedIn:
    return SignedIn("m.durand", ("COMPLIANCE",), methods)


def invited() -> Person:
    """Somebody with a link."""
    person = Person()
    person.ask(INVITE)
    return person


def enrolled(device: Authenticator) -> Person:
    """Somebody with this passkey."""
    person = invited()
    assert isinstance(person.enrol(device), SignedIn)
    return person


def _ids(person: Person) -> list[str]:
    listed = person.ask(ListPasskeys())
    assert isinstance(listed, PasskeysListed)
    return [one.credential_id for one in listed.passkeys]


@pytest.mark.parametrize(
    "key", [ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate(), RSA_KEY]
)
def test_enrolled_by_a_passkey(key: Any) -> None:
    """S34, X8: a link and a passkey of any of the three kinds; it is a sign-in of two factors, on record, and
    the link is used.
    """
    device, person = Authenticator(key=key), invited()
    assert person.ask(ShowLink("link")) == LinkHolds("m.durand")
    assert person.enrol(device) == _known()
    name = websafe_encode(device.credential_id)
    assert person.events == (
        PasskeyAdded("m.durand", name, synced=False), Enrolled("m.durand"),
        SignInSucceeded("m.durand", BY_KEY),
    )  # fmt: skip
    for message in (ShowLink("link"), OfferSeed("link", "00"), ShowLink("")):
        assert person.ask(message) == LinkRefused()
    assert person.enrol(Authenticator(2)) == LinkRefused()
    assert person.show(device) == _known()


def test_a_seed_that_nobody_confirmed_is_no_way_in() -> None:
    """S34: a seed was shown, a passkey was made instead: neither that seed nor none at all is one."""
    device, person = Authenticator(), invited()
    person.ask(OfferSeed("link", SEED.hex()))
    person.enrol(device)
    for seed in (SEED, b""):
        password = password_at(seed, person.now // 30_000)
        assert person.ask(SignIn(password)) == SignInRefused()
    assert person.ask(RemovePasskey(websafe_encode(device.credential_id))) == "PASSKEY_LAST"


@pytest.mark.parametrize("synced", [False, True])
def test_what_tokens_say_of_it(synced: bool) -> None:
    """RFC 8176: a key that may be copied is software's; both are presence and two factors."""
    device = Authenticator(synced=synced)
    person = enrolled(device)
    assert person.show(device) == _known(("swk" if synced else "hwk", "user", "mfa"))


FAULTS: Mapping[str, Any] = {
    "challenge": OTHER, "origin": "https://id.example:8443", "rp_id": "example", "verified": False,
    "present": False, "framed": True,
}  # fmt: skip


@given(st.sets(st.sampled_from(sorted(FAULTS)), max_size=2), st.booleans())
def test_only_what_was_asked_for_is_accepted(faults: set[str], making: bool) -> None:
    """Web Authentication 7.1, 7.2: whatever is wrong with challenge, origin, RP id, presence, verification or
    frame: accepted if and only if nothing is; and Yubico's server says the same, frames apart.
    """
    how = {name: FAULTS[name] for name in faults}
    asked = options(how.pop("challenge", CHALLENGE))
    right = Authenticator()
    person = invited() if making else enrolled(right)
    device = replace(right, **how)
    text = device.create(asked) if making else device.get(asked)
    message = (
        EnrolPasskey("link", "key", answered(text)) if making else SignInByPasskey(answered(text))
    )
    assert isinstance(person.ask(message), SignedIn) == (not faults)
    if "framed" not in faults:  # of frames it says nothing
        assert _yubico_accepts(right, text, making) == (not faults)


def _yubico_accepts(device: Authenticator, text: str, making: bool) -> bool:
    """A second opinion."""
    server: Any = Fido2Server(  # its answers have no types
        PublicKeyCredentialRpEntity(name="x", id=RP_ID),
        verify_origin=lambda origin: origin == ORIGIN,
    )
    state = {"challenge": CHALLENGE, "user_verification": UserVerificationRequirement.REQUIRED}
    try:
        if making:
            server.register_complete(state, orjson.loads(text))
        else:
            made = orjson.loads(device.create(options()))
            bound = server.register_complete(state, made).credential_data
            assert bound is not None
            server.authenticate_complete(state, [bound], orjson.loads(text))
    except ValueError:
        return False
    return True


@given(
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=12),
)
def test_a_counter_that_does_not_grow_is_refused_and_recorded(
    synced: bool, shown: list[tuple[int, bool]]
) -> None:
    """Web Authentication 6.1.1: for any counters: good if it grew, or if neither ever counted; else it is
    refused and on record. Under a wrong signature a counter says nothing.
    """
    device = Authenticator(synced=synced, counts=False)
    person = enrolled(device)
    stranger = replace(device, key=ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)))
    seen = 0
    for counter, right in shown:
        person.now += DAY_MS  # nobody has to wait
        one = device if right else stranger
        one.counter = counter
        reply = person.show(one)
        regressed = (counter or seen) and counter <= seen
        assert isinstance(reply, SignedIn) == (right and not regressed)
        copies = [one for one in person.events if isinstance(one, SignatureCounterRegressed)]
        assert bool(copies) == bool(right and regressed)
        assert any(isinstance(one, SignInFailed) for one in person.events) != isinstance(
            reply, SignedIn
        )
        seen = counter if isinstance(reply, SignedIn) else seen
        assert person.state.passkeys[0].sign_count == seen


def test_a_key_does_not_change_what_it_is() -> None:
    """Web Authentication 7.2 step 19: one that lay in one device does not become one that is copied."""
    device = Authenticator()
    person = enrolled(device)
    assert person.show(replace(device, synced=True)) == SignInRefused()
    assert person.show(replace(device, counter=1)) == _known()


def test_somebody_elses_passkey() -> None:
    """S34: a good answer by a passkey that this person does not have is refused, and counts."""
    person = enrolled(Authenticator())
    assert person.show(Authenticator(2, handle=HANDLE)) == SignInRefused()
    assert person.events == (SignInFailed("m.durand", 1),)


def test_before_enrolment_nobody_signs_in() -> None:
    """S34: not known and not enrolled are refused in the one word, and nothing is written."""
    device = Authenticator(handle=HANDLE)
    for person in (Person(), invited()):
        before = person.state
        assert person.show(device) == SignInRefused()
        for message in (ListPasskeys(), RemovePasskey("x"), AddPasskey("x", answered("{}"))):
            assert person.ask(message) == "NOT_FOUND"
        assert person.state is before


def test_several_named_listed_removed() -> None:
    """S34: each passkey signs in by itself; a removed one does not; its time of use is kept."""
    first, second = Authenticator(), Authenticator(2, synced=True)
    person = enrolled(first)
    person.now += 1000
    assert person.add(second, "phone") == PasskeyRegistered()
    assert person.add(second, "phone again") == "PASSKEY_KNOWN"
    person.now += 1000
    assert isinstance(person.show(second), SignedIn)
    listed = person.ask(ListPasskeys())
    assert isinstance(listed, PasskeysListed)
    assert [(one.name, one.synced, one.registered_at, one.used_at) for one in listed.passkeys] == [
        ("key", False, DAWN, 0), ("phone", True, DAWN + 1000, DAWN + 2000)
    ]  # fmt: skip
    assert not listed.authenticator
    gone = listed.passkeys[0].credential_id
    assert person.ask(RemovePasskey(gone)) == PasskeyRemoved()
    assert person.events == (PasskeyDropped("m.durand", gone),)
    assert person.ask(RemovePasskey(gone)) == "PASSKEY_UNKNOWN"
    assert person.show(first) == SignInRefused()


@given(
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.integers(0, 11)), max_size=30),
)
@example(False, [("remove", 0)])
def test_there_is_always_a_way_in(seeded: bool, changes: list[tuple[str, int]]) -> None:
    """S34: for any changes in any order: never without a way in, and never more than the bound; each
    passkey that is listed signs in.
    """
    devices = [Authenticator(one, handle=HANDLE, counts=False) for one in range(12)]
    person = invited()
    if seeded:
        person.ask(OfferSeed("link", SEED.hex()))
        person.ask(ConfirmSeed("link", password_at(SEED, person.now // 30_000)))
    else:
        person.enrol(devices[0])
    for what, number in changes:
        name = websafe_encode(devices[number].credential_id)
        if what == "add":
            person.add(devices[number])
        else:
            person.ask(RemovePasskey(name))
        assert seeded or person.state.passkeys
        assert len(person.state.passkeys) <= PASSKEYS_MAX
    for device in devices:
        person.now += DAY_MS
        held = websafe_encode(device.credential_id) in _ids(person)
        assert isinstance(person.show(device), SignedIn) == held


def test_no_more_than_the_bound() -> None:
    """Design.md 5: what is one too many is refused by name."""
    person = enrolled(Authenticator())
    for number in range(2, PASSKEYS_MAX + 1):
        assert person.add(Authenticator(number)) == PasskeyRegistered()
    assert person.add(Authenticator(99)) == "PASSKEYS_TOO_MANY"


def test_a_new_link_ends_passkeys_too() -> None:
    """S34: who has lost a device is invited again, and who finds it signs in no more."""
    device = Authenticator()
    person = enrolled(device)
    person.ask(InvitePerson("m.durand", ("ADMIN",), "second", DAY_MS))
    assert person.show(device) == SignInRefused()
    assert person.state.passkeys == ()


def test_weak_keys_are_refused() -> None:
    """NIST SP 800-57: RSA of 1024 bits protects nothing."""
    assert invited().enrol(Authenticator(key=WEAK_KEY)) == "PASSKEY_NOT_ACCEPTED"
