"""Where else a document was seen.

Source: spec.md S19, S20, X13, X15; docs/documents.md.
"""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.sighting.machine import (
    LOOK_BITS_MAX,
    MACHINE,
    SEEN_MAX,
    DocumentSeen,
    Phase,
    SightingState,
)
from comptoir.actors.sighting.messages import (
    CompareLook,
    ForgetSighting,
    NoteRefusedLook,
    SeeDocument,
    Seen,
    SeenIn,
)
from comptoir.engine import Address, Decision, Message
from comptoir.engine.machine import Context
from tests.actors.sighted import LOOK

EMPTY = SightingState(Phase.EMPTY)
CONTEXT = Context(Address("sighting", "ab" * 32), 0, 1)


def decide(state: SightingState, message: Message) -> Decision[SightingState]:
    """What the sighting decides."""
    found = MACHINE.decide(state, message, CONTEXT)
    assert isinstance(found, Decision)
    return found


def told(state: SightingState, message: Message) -> tuple[Seen, ...]:
    """Where else it is."""
    reply = decide(state, message).reply
    assert isinstance(reply, SeenIn)
    return reply.others


def test_the_second_file_hears_of_the_first_and_never_of_itself() -> None:
    """S19: of two that come at once one is told; the same again, after a crash, changes nothing."""
    first, second = Seen("ONB-1", "doc_1", "IDENTITY"), Seen("ONB-2", "doc_2", "IDENTITY")
    begun = decide(EMPTY, SeeDocument(first))
    assert begun.reply == SeenIn(())
    again = decide(begun.state, SeeDocument(first))
    assert again == Decision(begun.state, SeenIn(()))
    found = decide(begun.state, SeeDocument(second))
    assert found.reply == SeenIn((first,))
    assert found.events == (DocumentSeen("IDENTITY", 1),)
    own = msgspec.structs.replace(first, document_id="doc_9")
    assert told(begun.state, SeeDocument(own)) == ()


def test_only_the_looks_of_others_are_compared_and_only_within_the_bound() -> None:
    """S19: what looks like a document that another file had refused; one's own, printed anew as it was told to be, does not count."""
    refused = Seen("ONB-1", "doc_1", "IDENTITY", LOOK)
    state = decide(EMPTY, NoteRefusedLook(refused)).state
    near = f"{int(LOOK, 16) ^ (1 << LOOK_BITS_MAX) - 1:0128x}"
    far = f"{int(LOOK, 16) ^ (1 << LOOK_BITS_MAX + 1) - 1:0128x}"
    assert told(state, CompareLook("ONB-2", near)) == (refused,)
    assert told(state, CompareLook("ONB-2", far)) == ()
    assert told(state, CompareLook("ONB-1", LOOK)) == ()
    assert told(state, CompareLook("ONB-2", "0f")) == (), "a look of another kind"


numbers = st.integers(0, 4)


@given(st.lists(st.tuples(st.booleans(), numbers, numbers), max_size=40))
def test_it_knows_exactly_what_was_seen_and_not_forgotten(
    steps: list[tuple[bool, int, int]],
) -> None:
    """X13: whatever the order: what a file has dropped is nowhere in it, and without any it is empty."""
    state, wanted = EMPTY, set[tuple[str, str]]()
    for sees, file, document in steps:
        key = (f"ONB-{file}", f"doc_{document}")
        if sees:
            state = decide(state, SeeDocument(Seen(*key, "IDENTITY"))).state
            wanted.add(key)
        else:
            state = decide(state, ForgetSighting(*key)).state
            wanted.discard(key)
        assert {(one.file, one.document_id) for one in state.seen} == wanted
        assert (state.phase is Phase.EMPTY) == (not wanted)


def test_it_is_bounded() -> None:
    """design.md 5: the newest stay."""
    full = SightingState(Phase.KNOWN, tuple(Seen(f"ONB-{n}", "d", "X") for n in range(SEEN_MAX)))
    state = decide(full, SeeDocument(Seen("ONB-new", "d", "X"))).state
    assert len(state.seen) == SEEN_MAX
    assert (state.seen[0].file, state.seen[-1].file) == ("ONB-1", "ONB-new")
