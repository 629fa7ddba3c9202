"""Whom a person lets act for them: for what was shown, as long as they let it (RFC 6749 section 10.2)."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.consent.machine import (
    CLIENTS_MAX,
    FAMILIES_MAX,
    MACHINE,
    ConsentState,
    Phase,
)
from comptoir.actors.consent.messages import (
    ConsentFound,
    ConsentMissing,
    ConsentsListed,
    ConsentWithdrawn,
    FindConsent,
    GiveConsent,
    ListConsents,
    NoteFamily,
    WithdrawConsent,
)
from comptoir.actors.refresh_family.messages import KIND as FAMILY
from comptoir.actors.refresh_family.messages import EndFamily
from comptoir.engine.decision import Decision
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Message, Reply

NOW = 1_800_000_000_000
WEEK_MS = 7 * 86_400_000
ME = Address("consent", "blind")


@dataclass
class House:
    """One person's consents, and which families are open."""

    state: ConsentState = field(default_factory=lambda: ConsentState(Phase.NONE))
    now: int = NOW
    open: set[str] = field(default_factory=set[str])

    def ask(self, message: Message) -> Reply | None:
        """The reply; what is sent arrives."""
        outcome = MACHINE.decide(self.state, message, Context(ME, self.now, 1))
        assert isinstance(outcome, Decision)
        self.state = outcome.state
        for sent in outcome.messages:
            assert isinstance(sent.message, EndFamily)
            assert sent.target.kind == FAMILY
            assert sent.message.why == "consent_withdrawn"
            self.open.discard(sent.target.key)
        return outcome.reply

    def give(self, client: str, *scopes: str, generation: int = 1) -> int:
        """The person says yes; its number."""
        reply = self.ask(GiveConsent(client, scopes, generation))
        assert isinstance(reply, ConsentFound)
        return reply.number

    def find(self, client: str, *scopes: str, generation: int = 1, within_ms: int = 0) -> int:
        """The number of what covers this; 0: nothing does."""
        reply = self.ask(FindConsent(client, scopes, generation, within_ms))
        if isinstance(reply, ConsentFound):
            return reply.number
        assert reply == ConsentMissing()
        return 0

    def opens(self, client: str, number: int, family: str) -> None:
        """A family is opened, and they hear of it."""
        self.open.add(family)
        self.ask(NoteFamily(client, number, family, self.now + WEEK_MS))


def test_it_is_for_what_was_shown() -> None:
    """S60, OpenID Connect Core 3.1.2.4: less is covered, more is asked about again, and adds to it."""
    house = House()
    assert house.find("a") == 0
    number = house.give("a", "openid")
    assert house.find("a") == house.find("a", "openid") == number
    assert house.find("a", "openid", "offline_access") == 0
    assert house.find("b") == 0
    assert house.give("a", "offline_access") == number
    assert house.find("a", "openid", "offline_access") == number


def test_a_withdrawal_ends_what_came_of_it() -> None:
    """OWASP ASVS 10.4.9, 10.7.3: every family of that client and no other's; what is opened by a code that was
    out is ended when it is heard of; given again, it is another consent.
    """
    house = House()
    first, other = house.give("a", "openid"), house.give("b")
    house.opens("a", first, "f1")
    house.opens("a", first, "f2")
    house.opens("b", other, "g1")
    assert house.ask(WithdrawConsent("a")) == ConsentWithdrawn(("f1", "f2"))
    assert house.open == {"g1"}
    assert house.find("a", "openid") == 0
    assert house.ask(WithdrawConsent("a")) == ConsentWithdrawn(), "asked again, the same"
    second = house.give("a", "openid")
    assert second not in (first, other)
    house.opens("a", first, "late")
    house.opens("a", second, "f3")
    assert house.open == {"g1", "f3"}
    listed = house.ask(ListConsents())
    assert isinstance(listed, ConsentsListed)
    assert [one.client_id for one in listed.consents] == ["b", "a"]


def test_it_is_of_who_they_are_now() -> None:
    """S34: whoever was invited anew has let nobody do anything; what came of it before has ended."""
    house = House()
    before = house.give("a", "openid", generation=1)
    house.opens("a", before, "f1")
    assert house.find("a", "openid", generation=2) == 0
    now = house.give("a", generation=2)
    assert (house.open, now != before) == (set(), True)
    assert house.find("a", generation=2) == now
    assert house.find("a", "openid", generation=2) == 0


def test_a_program_on_their_own_device_is_asked_each_time() -> None:
    """RFC 8252 8.6: what another program could pretend to be is let for the moment of the answer only."""
    house = House()
    number = house.give("a")
    house.now += 60_000
    assert house.find("a", within_ms=60_000) == number
    house.now += 1
    assert house.find("a", within_ms=60_000) == 0
    assert house.find("a") == number


def test_what_is_remembered_is_bounded() -> None:
    """Design.md 2: of clients and of families the oldest go, and what goes has ended."""
    house = House()
    number = house.give("a")
    for n in range(FAMILIES_MAX + 3):
        house.opens("a", number, f"f{n}")
    assert len(house.open) == FAMILIES_MAX
    assert {"f0", "f1", "f2"}.isdisjoint(house.open)
    for n in range(CLIENTS_MAX):
        house.give(f"c{n}")
    assert house.find("a") == 0
    assert house.open == set()
    assert len(house.state.consents) == CLIENTS_MAX


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["give", "withdraw", "open", "late"]),
        st.sampled_from("ab"),
        st.integers(1, 2),
    ),
    max_size=30,
)


@given(STEPS)
def test_only_what_is_let_is_open(steps: list[tuple[str, str, int]]) -> None:
    """S60: in whatever order openings and withdrawals are heard of, a family is open exactly if the consent
    that it came of stands.
    """
    house, came_of = House(), dict[str, tuple[str, int]]()
    stands: dict[str, tuple[int, int]] = {}
    out: list[tuple[str, int]] = []
    for n, (step, client, generation) in enumerate(steps):
        if step == "give":
            number = house.give(client, generation=generation)
            stands[client] = (number, generation)
            out.append((client, number))
        elif step == "withdraw":
            house.ask(WithdrawConsent(client))
            stands.pop(client, None)
        elif out:
            of = out[-1] if step == "open" else out[0]
            house.opens(*of, f"f{n}")
            came_of[f"f{n}"] = of
    live = {
        key for key, (client, number) in came_of.items() if stands.get(client, (0,))[0] == number
    }
    assert house.open == live
