"""The card: linked once in all, by whoever was first, and free again when that one lets go (S66)."""

from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.card.machine import MACHINE, CardState, Phase
from comptoir.actors.card.messages import KIND, ClaimCard, ReleaseCard
from comptoir.actors.linking.messages import CardClaimed, CardTaken
from comptoir.engine.decision import Decision
from comptoir.engine.machine import Context
from comptoir.engine.values import Address

ME = Address(KIND, "blind-index")
CONNECTIONS = st.sampled_from(("a", "b", "c"))


@given(
    st.lists(
        st.one_of(
            st.builds(ClaimCard, st.sampled_from(("s1", "s2", "s3")), CONNECTIONS),
            st.builds(ReleaseCard, CONNECTIONS),
        ),
        max_size=20,
    )
)
def test_one_at_a_time(messages: list[ClaimCard | ReleaseCard]) -> None:
    """S66: for any order of claims and releases, one connection has it, and each session is told the truth."""
    state, holder = CardState(Phase.FREE), ""
    for message in messages:
        decision = MACHINE.decide(state, message, Context(ME, 0, 1))
        assert isinstance(decision, Decision)
        state = decision.state
        if isinstance(message, ReleaseCard):
            holder = "" if message.connection == holder else holder
            assert decision.messages == ()
        else:
            holder = holder or message.connection
            (told,) = decision.messages
            assert told.target == Address("linking", message.session)
            expected = CardClaimed() if holder == message.connection else CardTaken()
            assert told.message == expected
        assert (state.connection, state.phase is Phase.LINKED) == (holder, bool(holder))
