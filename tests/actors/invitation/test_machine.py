"""A client's invitation: a link used once, a code bound to a browser, few tries, then a session."""

from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.browser_session.messages import OpenSession, Person
from comptoir.actors.gateways.messages import (
    MAIL,
    SMS,
    NoticeRefused,
    NoticeTaken,
    SendMail,
    SendSms,
)
from comptoir.actors.invitation.machine import (
    MACHINE,
    ClientSignedIn,
    CodeRefused,
    InvitationEnded,
    InvitationSent,
    InvitationState,
    LinkUsed,
    NoticeArrived,
    NoticeLost,
    Phase,
)
from comptoir.actors.invitation.messages import (
    ClientInvited,
    CodeAccepted,
    CodeSent,
    CodesUsedUp,
    CodeWrong,
    EnterCode,
    InvitationExpired,
    InviteClient,
    LinkOver,
    RenewCode,
    UseLink,
)
from comptoir.actors.invitation.terms import TERMS, Terms
from comptoir.engine.decision import Decision, Outgoing, Refusal
from comptoir.engine.machine import Context
from comptoir.engine.settings import Provider, SendGrid, Settings
from comptoir.engine.values import Address, Message, Reply, encode

DAWN = 1_800_000_000_000
FILE = "ONB-2025-00123"
ME = Address("invitation", FILE)
TOKEN, OTHER = "t" * 43, "o" * 43
COOKIE, STRANGER = "c" * 43, "x" * 43
TERMS_NOW = Terms(mail=True, sms=True)


def digest(text: str) -> str:
    """SHA-256, in hexadecimal."""
    return sha256(text.encode()).hexdigest()


def invite(token: str = TOKEN, phone: str = "+33612345678", reference: str = "r1") -> InviteClient:
    """An invitation by this link."""
    link = f"https://portal.example/portal/{FILE}?token={token}"
    return InviteClient(
        FILE,
        "u-1",
        "anne@example.org",
        phone,
        "fr",
        link,
        digest(token),
        reference,
        "advisor",
        "p1",
    )


def use(token: str = TOKEN, cookie: str = COOKIE, code: str = "000001") -> UseLink:
    """The link, used in a browser."""
    return UseLink(digest(token), digest(cookie), digest(f"{cookie}.{code}"), code)


def renew(cookie: str = COOKIE, code: str = "000002") -> RenewCode:
    """Another code, wanted from a browser."""
    return RenewCode(digest(cookie), digest(f"{cookie}.{code}"), code)


def enter(code: str = "000001", cookie: str = COOKIE) -> EnterCode:
    """A code, typed into a browser."""
    proof = digest(f"{cookie}.{code}")
    return EnterCode(digest(cookie), proof, "new-session", DAWN // 1000, "Safari, iOS")


class Invitation:
    """One actor, without an engine."""

    def __init__(self, terms: Terms = TERMS_NOW) -> None:
        self.state = InvitationState(Phase.UNKNOWN)
        self.now = DAWN
        self.terms = terms
        self.version = 0
        self.last: Decision[InvitationState] = Decision(self.state)

    def ask(self, message: Message) -> Reply | None:
        """Decide, and make it durable."""
        outcome = self.decide(message)
        assert isinstance(outcome, Decision)
        self.version += 1
        self.state, self.last = outcome.state, outcome
        return outcome.reply

    def decide(self, message: Message) -> "Decision[InvitationState] | Refusal":
        """Decide only."""
        context = Context(ME, self.now, self.version, {TERMS: self.terms})
        return MACHINE.decide(self.state, message, context)

    def happened(self) -> tuple[object, ...]:
        """What the last decision put on record."""
        return self.last.events

    def sent(self) -> list[Message]:
        """What went out with the last decision to people."""
        return [one.message for one in self.last.messages if one.target in (MAIL, SMS)]

    def timer(self) -> Outgoing:
        """The timer that was set with it."""
        (timer,) = [one for one in self.last.messages if one.name is not None]
        return timer


def ended(phase: Phase = Phase.ENDED, missed: int = 0) -> InvitationState:
    """What is left."""
    return InvitationState(phase, listing="p1", given=(digest(TOKEN),), missed=missed)


def waiting(**given: str) -> Invitation:
    """One whose link was used."""
    one = Invitation()
    one.ask(invite(**given))
    assert isinstance(one.ask(use()), CodeSent)
    return one


def test_the_way_in() -> None:
    """S4, S34, X8: a link by mail, a code by text message, a session of a CLIENT; each step on record."""
    one = Invitation()
    reply = one.ask(invite())
    until = DAWN + 7 * 86_400_000
    assert reply == ClientInvited(until, "sms")
    (mail,) = one.sent()
    assert isinstance(mail, SendMail)
    assert mail.to == "anne@example.org"
    assert TOKEN in mail.text
    assert TOKEN not in mail.subject
    assert one.happened() == (InvitationSent("u-1", "advisor", until, "sms"),)
    assert one.timer().due_at == until
    assert one.ask(use()) == CodeSent("sms", DAWN + 600_000)
    (sms,) = one.sent()
    assert isinstance(sms, SendSms)
    assert (sms.to, "000001" in sms.text) == ("+33612345678", True)
    assert one.happened() == (LinkUsed("u-1"),)
    assert one.ask(enter()) == CodeAccepted(TERMS_NOW.session_ms)
    methods = ("mca", "otp", "sms")
    person = Person(
        "u-1", ("CLIENT",), methods, DAWN // 1000, listing="p1", device="Safari, iOS", file=FILE
    )
    opened = OpenSession(person, TERMS_NOW.session_ms, TERMS_NOW.idle_ms)
    session, timer = one.last.messages
    assert session == Outgoing(Address("browser_session", "new-session"), opened)
    assert one.happened() == (ClientSignedIn("u-1", person.methods),)
    assert timer.due_at == DAWN + TERMS_NOW.session_ms
    one.now = DAWN + TERMS_NOW.session_ms
    assert one.ask(InvitationExpired()) is None
    assert one.state == ended(Phase.SIGNED_IN), "nothing of the client stays"
    assert one.happened() == ()


def test_without_a_phone_the_code_is_a_second_mail() -> None:
    """X8: one channel then, and `amr` says no more than that; no code stands in a subject."""
    one = Invitation()
    assert one.ask(invite(phone="")) == ClientInvited(DAWN + 7 * 86_400_000, "mail")
    assert one.ask(use()) == CodeSent("mail", DAWN + 600_000)
    (mail,) = one.sent()
    assert isinstance(mail, SendMail)
    assert ("000001" in mail.text, "000001" in mail.subject) == (True, False)
    one.ask(enter())
    assert one.happened() == (ClientSignedIn("u-1", ("otp",)),)


def test_a_party_that_is_not_there_is_named() -> None:
    """Interface.md 3: an empty address refuses what needs it by name, and changes nothing."""
    for terms, code in (
        (Terms(), "MAIL_NOT_CONFIGURED"),
        (Terms(mail=True), "SMS_NOT_CONFIGURED"),
    ):
        refused = Invitation(terms).decide(invite())
        assert isinstance(refused, Refusal)
        assert refused.code == code
    without = Invitation(Terms(mail=True)).decide(invite(phone=""))
    assert isinstance(without, Decision)


def test_a_link_is_used_once() -> None:
    """X8: the first use is the only one, also at once, in another browser, and by whoever has signed in."""
    one = Invitation()
    one.ask(invite())
    assert isinstance(one.ask(use()), CodeSent)
    for cookie in (COOKIE, STRANGER):
        before = one.state
        assert one.ask(use(cookie=cookie)) == LinkOver()
        assert one.state is before
    one.ask(enter())
    assert one.ask(use()) == LinkOver()


def test_a_wrong_link_changes_nothing() -> None:
    """X8: whoever guesses is told nothing, and takes nothing from the client."""
    one = Invitation()
    one.ask(invite())
    for message in (use(token=OTHER), enter(), renew(), EnterCode("", "", "o", 0)):
        before = one.state
        assert one.ask(message) == LinkOver()
        assert one.state is before
        assert one.last == Decision(before, LinkOver())
    assert isinstance(one.ask(use()), CodeSent)


def test_a_newer_link_supersedes() -> None:
    """X8: in any phase the one before is dead, and so is a code that was on its way."""
    one = waiting()
    one.ask(invite(token=OTHER, reference="r2"))
    assert one.happened()[0] == InvitationEnded("u-1", "superseded")
    assert one.ask(use()) == LinkOver()
    assert one.ask(enter()) == LinkOver()
    assert isinstance(one.ask(use(token=OTHER)), CodeSent)


def test_it_ends_in_time() -> None:
    """S9, X8: at the moment that it names, also when the timer is late; an old timer ends nothing new."""
    one = Invitation()
    one.ask(invite())
    timer = one.timer()
    assert timer.due_at is not None
    one.now = timer.due_at
    assert one.ask(use()) == LinkOver()
    one.now -= 1
    assert isinstance(one.ask(use()), CodeSent)
    assert one.timer().name == timer.name, "set anew"
    one.now += 1
    one.ask(InvitationExpired())
    assert one.state.phase is Phase.AWAITING_CODE
    one.now = DAWN + 10**10
    assert one.ask(enter()) == LinkOver()
    one.ask(InvitationExpired())
    assert one.happened() == (InvitationEnded("u-1", "expired"),)
    assert one.state == ended()


def test_a_code_is_the_newest_one_and_in_its_browser() -> None:
    """ASVS 6.6.2: bound to the browser that used the link; another code makes the one before worth nothing."""
    one = waiting()
    assert one.ask(enter(cookie=STRANGER)) == LinkOver()
    assert one.state.failures == 0, "whoever has not the browser uses up no tries"
    assert one.ask(renew(cookie=STRANGER)) == LinkOver()
    assert isinstance(one.ask(renew()), CodeSent)
    assert one.ask(enter("000001")) == CodeWrong(4)
    assert isinstance(one.ask(enter("000002")), CodeAccepted)


def test_a_code_lives_ten_minutes() -> None:
    """ASVS 6.5.5: no longer, and another one is sent, so many times and no more."""
    one = waiting()
    one.now += 600_000
    assert isinstance(one.ask(enter()), CodeWrong)
    for number in (2, 3):
        assert isinstance(one.ask(renew(code=f"00000{number}")), CodeSent)
    assert one.ask(renew(code="000004")) == CodesUsedUp()
    assert one.sent() == []
    assert isinstance(one.ask(enter("000003")), CodeAccepted)


def test_tries_are_few() -> None:
    """ASVS 6.6.3: with the last wrong one the link is dead, and the right code is worth nothing."""
    one = waiting()
    for left in (4, 3, 2, 1):
        assert one.ask(enter("999999")) == CodeWrong(left)
        assert one.happened() == (CodeRefused("u-1", 5 - left),)
    assert one.ask(enter("999999")) == LinkOver()
    assert one.happened() == (CodeRefused("u-1", 5), InvitationEnded("u-1", "too_many_tries"))
    assert one.state == ended(missed=5)
    assert one.ask(enter()) == LinkOver()


def test_the_same_request_is_one_invitation() -> None:
    """Interface.md 1: one key within the file and the reference; another reference is another one."""
    one = Invitation()
    keys: list[str] = []
    for reference in ("r1", "r1", "r2"):
        one.ask(invite(reference=reference))
        (once,) = one.last.once
        keys.append(once.key)
    assert keys[0] == keys[1] != keys[2]


def test_what_becomes_of_a_notice_is_on_record() -> None:
    """S7, S36: taken or lost, in whatever phase."""
    one = waiting()
    one.ask(NoticeTaken("link_1"))
    assert one.happened() == (NoticeArrived("link_1"),)
    one.ask(NoticeRefused("code_1", "SMS_REFUSED"))
    assert one.happened() == (NoticeLost("code_1", "SMS_REFUSED"),)


def test_terms_are_the_settings() -> None:
    """S9, S34, X8: the defaults are the source's, and a party is there when it has an address."""
    assert Terms.of(Settings()) == Terms()
    party = SendGrid(base_url="http://127.0.0.1:8090")
    assert isinstance(party, Provider)
    changed = Settings().having({
        ("providers", "sendgrid"): party, ("onboarding", "portal_link_days"): 3,
        ("onboarding", "portal_code_minutes"): 4, ("onboarding", "portal_codes_max"): 2,
        ("onboarding", "portal_code_tries_max"): 3, ("onboarding", "portal_session_minutes"): 60,
        ("onboarding", "portal_idle_minutes"): 6,
    })  # fmt: skip
    found = Terms.of(changed)
    assert (found.mail, found.sms, found.link_ms, found.code_ms) == (
        True,
        False,
        259_200_000,
        240_000,
    )
    assert (found.codes_max, found.tries_max, found.session_ms) == (2, 3, 3_600_000)
    assert (found.idle_ms, found.waiting_ms) == (360_000, 480_000)


STEPS = st.sampled_from([
    invite(), invite(token=OTHER, reference="r2"), invite(phone=""), use(), use(token=OTHER),
    use(cookie=STRANGER, code="000009"), renew(), renew(cookie=STRANGER), enter(), enter("000002"),
    enter("999999"), enter("000001", STRANGER), enter("000009", STRANGER), InvitationExpired(),
    NoticeTaken("n"), NoticeRefused("n", "X"),
])  # fmt: skip


@given(st.lists(st.tuples(STEPS, st.integers(0, 900_000)), max_size=40))
def test_in_any_order(steps: list[tuple[Message, int]]) -> None:
    """X8, ASVS 6.5 and 6.6, for any steps at any times: a link is used at most once and only while it is
    the newest; between two links nobody is in more than once, no more codes go out than allowed and no more
    tries are looked at; a session is opened only by the browser that used the link, with the newest code;
    and neither secret is ever in the state or in an event.
    """
    one = Invitation()
    one.ask(invite())
    newest, used, codes, tries, entered = digest(TOKEN), "", 0, 0, 0
    proof, code_until = "", 0
    for message, passed in steps:
        one.now += passed
        reply = one.ask(message)
        if isinstance(message, InviteClient):
            newest, used, codes, tries, entered = message.digest, "", 0, 0, 0
        if isinstance(message, UseLink) and isinstance(reply, CodeSent):
            assert (message.digest, used) == (newest, "")
            used = message.session
        if isinstance(reply, CodeSent):
            codes += 1
            assert isinstance(message, UseLink | RenewCode)
            assert message.session == used
            proof, code_until = message.proof, one.now + one.terms.code_ms
        if isinstance(reply, CodeWrong):
            tries += 1
        if isinstance(reply, CodeAccepted):
            entered += 1
            assert isinstance(message, EnterCode)
            assert (message.session, message.proof) == (used, proof)
            assert one.now < code_until
        opened = [m for m in one.last.messages if isinstance(m.message, OpenSession)]
        assert len(opened) == isinstance(reply, CodeAccepted)
        assert codes <= one.terms.codes_max
        assert tries < one.terms.tries_max
        assert entered <= 1
        kept = encode(one.state) + msgspec.json.encode(one.happened())
        for secret in (TOKEN, OTHER, COOKIE, STRANGER, '"000001"', '"000002"', '"000009"'):
            assert secret.encode() not in kept
        for out in one.last.messages:
            if isinstance(out.message, SendMail | SendSms):
                assert TOKEN not in out.message.reference


@pytest.mark.parametrize("language", ["fr", "en"])
def test_both_languages(language: str) -> None:
    """S2: what a client reads is theirs, and says that neither link nor code is to be given away."""
    one = Invitation()
    one.ask(msgspec.structs.replace(invite(), language=language))
    one.ask(use())
    (sms,) = one.sent()
    assert isinstance(sms, SendSms)
    word = "transmettez" if language == "fr" else "Give it to nobody"
    assert word in sms.text
    assert len(sms.text) <= 160, "one text message"
