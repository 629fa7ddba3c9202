"""The registry of service clients: who gets a token, and who does not, whatever happened before.

Source: actors/clients/machine.py; X7, S36; RFC 6749 section 3.3.
"""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from comptoir.actors.clients.machine import (
    CLIENTS_MAX,
    MACHINE,
    NOBODY,
    REVOKED_MAX,
    ClientTokenGranted,
    Phase,
    Registered,
    RegistryState,
)
from comptoir.actors.clients.messages import (
    CLIENT_UNKNOWN,
    CLIENTS,
    SCOPE_REFUSED,
    AuthenticateClient,
    Client,
    ClientRegistered,
    ClientRevoked,
    ClientsListed,
    GrantToken,
    ListClients,
    RegisterClient,
    RevokeClient,
    TokenGranted,
)
from comptoir.engine import Decision, Message, Refusal
from comptoir.engine.machine import Context

IDS = st.sampled_from(["cl_a", "cl_b", "cl_c"])
DIGESTS = st.sampled_from(["1" * 64, "2" * 64])
GUESSES = st.one_of(DIGESTS, st.sampled_from([NOBODY, "", "1" * 63, "é"]))
SCOPES = st.sets(st.sampled_from(["a:b", "c:d", "e:f"])).map(lambda found: tuple(sorted(found)))
FULL = RegistryState(
    Phase.OPEN,
    {
        str(number): Registered(Client(str(number), "n", ("a:b",), 0), "1" * 64)
        for number in range(CLIENTS_MAX)
    },
)


def _decide(state: RegistryState, message: Message) -> Decision[RegistryState] | Refusal:
    return MACHINE.decide(state, message, Context(CLIENTS, 1_800_000_000_000, 1))


class Registry(RuleBasedStateMachine):
    """X7: any sequence of what may be said, beside a model of who has which secret and scopes."""

    def __init__(self) -> None:
        super().__init__()
        self.state = RegistryState(Phase.EMPTY)
        self.model: dict[str, tuple[str, tuple[str, ...]]] = {}
        self.gone: set[str] = set()

    def _say(self, message: Message) -> Any:
        outcome = _decide(self.state, message)
        if isinstance(outcome, Refusal):
            return outcome
        self.state = outcome.state
        return outcome

    @rule(name=IDS, digest=DIGESTS, scopes=SCOPES)
    def register(self, name: str, digest: str, scopes: tuple[str, ...]) -> None:
        """A second one of the same id takes nothing over; the same one again is the first."""
        before = self.state
        outcome = self._say(RegisterClient(name, "n", scopes, digest))
        known, kept = self.model.setdefault(name, (digest, scopes))
        assert isinstance(outcome, Refusal) == (known != digest)
        if name in before.clients:
            assert self.state is before
        if isinstance(outcome, Decision):
            assert isinstance(outcome.reply, ClientRegistered)
            assert outcome.reply.client.scopes == kept
            assert bool(outcome.once) == (name not in before.clients)

    @rule(name=IDS)
    def revoke(self, name: str) -> None:
        """Only who was there can go; who is gone goes again, and nothing happens by it."""
        before = self.state
        outcome = self._say(RevokeClient(name))
        known = name in self.model
        assert isinstance(outcome, Refusal) == (not known and name not in self.gone)
        if isinstance(outcome, Decision):
            assert outcome.reply == ClientRevoked(name)
            assert bool(outcome.events) == bool(outcome.messages) == known
            assert known or self.state is before
            self.gone.add(name)
        self.model.pop(name, None)

    @rule(name=IDS, guess=GUESSES, wanted=SCOPES)
    def ask(self, name: str, guess: str, wanted: tuple[str, ...]) -> None:
        """A token for the right secret only, with scopes of the client's only, and on record."""
        before = self.state
        proven = _decide(before, AuthenticateClient(name, guess))
        outcome = self._say(GrantToken(name, guess, wanted, "jti", 900))
        assert self.state is before
        digest, scopes = self.model.get(name, (None, ()))
        assert isinstance(proven, Decision) == (guess == digest)
        if guess != digest:
            assert (proven, outcome) == (MACHINE.refusal, MACHINE.refusal)
            assert MACHINE.refusal.code == CLIENT_UNKNOWN
        elif not set(wanted) <= set(scopes):
            assert isinstance(outcome, Refusal)
            assert outcome.code == SCOPE_REFUSED
        else:
            assert isinstance(outcome, Decision)
            granted = wanted or scopes
            assert outcome.reply == TokenGranted(name, granted)
            assert outcome.events == (ClientTokenGranted(name, granted, "jti", 900),)

    @invariant()
    def list(self) -> None:
        """Who is there is listed, and no digest is."""
        outcome = _decide(self.state, ListClients())
        assert isinstance(outcome, Decision)
        assert isinstance(outcome.reply, ClientsListed)
        assert [one.id for one in outcome.reply.clients] == list(self.model)
        assert (self.state.phase is Phase.EMPTY) == (not self.model)


TestRegistry = Registry.TestCase


def test_there_is_a_bound() -> None:
    """X7: nothing is unbounded (design.md 5): one client too many is refused by name."""
    outcome = _decide(FULL, RegisterClient("cl_more", "n", ("a:b",), "1" * 64))
    assert isinstance(outcome, Refusal)
    assert outcome.code == "CLIENTS_TOO_MANY"
    freed = _decide(FULL, RevokeClient("0"))
    assert isinstance(freed, Decision)
    assert isinstance(_decide(freed.state, RegisterClient("cl_more", "n", (), "1" * 64)), Decision)


def test_who_was_revoked_is_remembered_so_long() -> None:
    """X7: also when nobody is left, and until a thousand others were revoked; then there was nobody."""
    state = FULL
    for number in range(CLIENTS_MAX):
        gone = _decide(state, RevokeClient(str(number)))
        assert isinstance(gone, Decision)
        state = gone.state
    assert state.phase is Phase.EMPTY
    assert len(state.revoked) == REVOKED_MAX
    assert isinstance(_decide(state, RevokeClient("0")), Decision)
    there = _decide(state, RegisterClient("cl_more", "n", (), "1" * 64))
    assert isinstance(there, Decision)
    gone = _decide(there.state, RevokeClient("cl_more"))
    assert isinstance(gone, Decision)
    assert _decide(gone.state, RevokeClient("0")) == MACHINE.refusal
    assert isinstance(_decide(gone.state, RevokeClient("1")), Decision)
