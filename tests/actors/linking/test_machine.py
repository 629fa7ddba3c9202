"""The linking session: whatever comes in whatever order, no access is left that no connection has (S57)."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.connection.messages import (
    AccessRevoked,
    ExtendConsent,
    OpenConnection,
    RetryRevocation,
    RevocationFailed,
)
from comptoir.actors.gateways.messages import ExchangeCode, RevokeAccess, StartLink
from comptoir.actors.linking.machine import MACHINE
from comptoir.actors.linking.messages import (
    KIND,
    CodeExchanged,
    CompleteLink,
    LinkExpired,
    LinkStarted,
    LinkStood,
    ProviderFailed,
    Renewal,
    ReturnFromBank,
)
from comptoir.actors.linking.state import ConsentGiven, LinkState, Phase
from comptoir.actors.linking.steps import digest_of
from comptoir.actors.programme import PROGRAMME, Programme
from comptoir.engine.decision import Decision, Refusal
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Message, encode
from tests.actors.banking import OPEN_LINK, TO_LINK, TOKENS

NOW = 1_800_000_000_000
ME = Address(KIND, "ls_1")
UNKNOWN = LinkState(Phase.UNKNOWN)
RENEWAL = msgspec.structs.replace(OPEN_LINK, renewal=Renewal("key", "cn", "at-old"))
BACK = ReturnFromBank(digest_of("s3cret"), "code", "")


def _decide(state: LinkState, message: Message, now: int = NOW) -> Decision[LinkState] | Refusal:
    return MACHINE.decide(state, message, Context(ME, now, 1, {PROGRAMME: Programme()}))


def _taken(state: LinkState, message: Message, now: int = NOW) -> Decision[LinkState]:
    outcome = _decide(state, message, now)
    assert isinstance(outcome, Decision)
    return outcome


def test_the_consent_is_on_record_first() -> None:
    """S57, S60: what was agreed to is recorded in the very decision that asks the provider."""
    decision = _taken(UNKNOWN, OPEN_LINK)
    (given_,) = decision.events
    assert given_ == ConsentGiven("u1", "d1", "seed", "v1", "accounts", 90, renewal=False)
    start, timer = decision.messages
    assert isinstance(start.message, StartLink)
    assert start.message.state == "ls_1.s3cret"
    assert "s3cret" not in repr(decision.state)
    assert (timer.message, timer.due_at) == (LinkExpired(), NOW + 600_000)


@given(st.lists(st.sampled_from(TO_LINK), max_size=14), st.booleans())
def test_no_access_is_orphaned(messages: list[Message], renewing: bool) -> None:
    """S57, S60: what the provider has granted goes to a connection, or is given back, in any order; and a
    renewal gives nothing back, since its access is that of a connection.
    """
    state = _taken(UNKNOWN, RENEWAL if renewing else OPEN_LINK).state
    granted = handed = returned = 0
    for message in messages:
        if state.phase is Phase.UNKNOWN:
            break
        outcome = _decide(state, message)
        if isinstance(outcome, Refusal):
            continue
        sent = [one.message for one in outcome.messages]
        granted += isinstance(message, CodeExchanged)
        handed += sum(isinstance(one, OpenConnection | ExtendConsent) for one in sent)
        returned += sum(isinstance(one, RevokeAccess) for one in sent)
        state = outcome.state
    holds = state.granted is not None and state.granted.tokens is not None
    if not renewing and granted and state.phase is not Phase.LINKED:
        assert holds or handed or returned
    if renewing:
        assert returned == 0
    if state.phase in (Phase.LINKED, Phase.ENDED):
        assert b"s3cret" not in encode(state)
        assert b"at-old" not in encode(state)
        assert state.verifier == state.code == state.digest == ""


@pytest.mark.parametrize("bad", [
    ReturnFromBank(digest_of("other"), "code", ""), ReturnFromBank("", "code", "")])  # fmt: skip
def test_a_wrong_state_changes_nothing(bad: ReturnFromBank) -> None:
    """RFC 9700 4.7: whoever has not the secret is told so, and cannot end the session either."""
    waiting = _taken(_taken(UNKNOWN, OPEN_LINK).state, TO_LINK[1]).state
    decision = _taken(waiting, bad)
    assert decision.state is waiting
    assert isinstance(decision.reply, LinkStood)
    assert decision.reply.taken is False


def test_a_state_is_good_once() -> None:
    """S45, RFC 9700 4.7: who brings it a second time is told that nothing was taken, with whatever code; once it was
    shown not even its digest is kept.
    """
    waiting = _taken(_taken(UNKNOWN, OPEN_LINK).state, TO_LINK[1]).state
    back = _taken(waiting, BACK).state
    assert (back.phase, back.digest) == (Phase.RETURNED, "")
    for code in ("code", "a stranger's"):
        decision = _taken(back, msgspec.structs.replace(BACK, code=code))
        assert decision.state is back
        assert isinstance(decision.reply, LinkStood)
        assert decision.reply.taken is False


def test_a_late_timer_lengthens_no_session() -> None:
    """S45, S48: at ten minutes it is over, though the timer has not fired."""
    waiting = _taken(_taken(UNKNOWN, OPEN_LINK).state, TO_LINK[1]).state
    assert _taken(waiting, BACK, NOW + 599_999).state.phase is Phase.RETURNED
    assert _taken(waiting, BACK, NOW + 600_000).state.phase is Phase.ENDED


def test_pkce() -> None:
    """RFC 7636 appendix B: the challenge is the verifier's, and the verifier goes with the code alone."""
    opening = msgspec.structs.replace(
        OPEN_LINK, verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    )
    decision = _taken(UNKNOWN, opening)
    start = decision.messages[0].message
    assert isinstance(start, StartLink)
    assert start.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    state = _taken(_taken(decision.state, TO_LINK[1]).state, BACK).state
    exchange = _taken(state, CompleteLink("u1", "")).messages[0].message
    assert isinstance(exchange, ExchangeCode)
    assert (exchange.code, exchange.verifier) == ("code", opening.verifier)


def test_another_user_s_completion() -> None:
    """Interface.md 9: it is told that nothing was taken, and changes nothing."""
    state = _taken(_taken(_taken(UNKNOWN, OPEN_LINK).state, TO_LINK[1]).state, BACK).state
    decision = _taken(state, CompleteLink("u2", ""))
    assert decision.state is state
    assert isinstance(decision.reply, LinkStood)
    assert decision.reply.taken is False


def test_only_who_came_back_completes() -> None:
    """OWASP ASVS 10.1.2: where the way back has a secret, whoever has it not is told that nothing was taken, and the
    session waits on for who has.
    """
    waiting = _taken(_taken(UNKNOWN, OPEN_LINK).state, TO_LINK[1]).state
    state = _taken(waiting, msgspec.structs.replace(BACK, proof=digest_of("way back"))).state
    for proof in ("", digest_of("another")):
        decision = _taken(state, CompleteLink("u1", "", proof))
        assert decision.state is state
        assert isinstance(decision.reply, LinkStood)
        assert decision.reply.taken is False
    done = _taken(state, CompleteLink("u1", "", digest_of("way back")))
    assert done.state.phase is Phase.EXCHANGING
    assert b"way back" not in encode(state)


def test_what_comes_after_the_end_is_given_back() -> None:
    """S57: access that was granted after ten minutes is revoked at the provider."""
    ended = _taken(_taken(UNKNOWN, OPEN_LINK).state, LinkExpired()).state
    decision = _taken(ended, CodeExchanged("cn", "key", TOKENS))
    (back,) = decision.messages
    assert back.message == RevokeAccess("ls_1", "cn", "at")


BEGUN = LinkStarted("https://bank", "name", begun="name")


@pytest.mark.parametrize(
    "messages",
    [
        (BEGUN, LinkExpired()),
        (BEGUN, ReturnFromBank(digest_of("s3cret"), "", "denied")),
        (BEGUN, BACK, LinkExpired()),
        (BEGUN, BACK, CompleteLink("u1", ""), LinkExpired()),
        (BEGUN, BACK, CompleteLink("u1", ""), ProviderFailed("BANK_PROVIDER_UNAVAILABLE")),
        (LinkExpired(), BEGUN),
    ],
    ids=["away", "refused", "never asked for", "too late", "unavailable", "started too late"],
)
def test_what_was_only_begun_is_ended(messages: tuple[Message, ...]) -> None:
    """S57, S60: what the provider has made for a link and would keep is ended where no connection comes of it."""
    state = _taken(UNKNOWN, OPEN_LINK).state
    sent: list[Message] = []
    for message in messages:
        decision = _taken(state, message)
        sent += [one.message for one in decision.messages if isinstance(one.message, RevokeAccess)]
        state = decision.state
    assert sent == [RevokeAccess("ls_1", "name", "")]
    again = _taken(state, RevocationFailed())
    assert isinstance(again.messages[0].message, RetryRevocation)
    assert _taken(state, AccessRevoked()).state.granted is None


def test_a_renewal_has_begun_nothing() -> None:
    """S57: whatever the provider says of it, a renewal that is left ends nothing of its connection's."""
    state = _taken(UNKNOWN, RENEWAL).state
    state = _taken(state, BEGUN).state
    assert _taken(state, LinkExpired()).messages == ()
