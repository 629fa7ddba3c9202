"""Machines as tables: what is refused at declaration, filled, decided and drawn (S16, design.md 4)."""

from enum import Enum

import pytest

from comptoir.engine.decision import Decision, Refusal
from comptoir.engine.machine import Context, Machine, MachineError, Row, row
from comptoir.engine.values import Address, Message, State


class Phase(Enum):
    """A door."""

    SHUT = "shut"
    OPEN = "open"
    WALLED = "walled"


class Other(Enum):
    """No door."""

    ELSEWHERE = "elsewhere"


class Push(Message, frozen=True):
    """Open it."""

    to: str = "open"


class Wall(Message, frozen=True):
    """Never open it again."""


class Stranger(Message, frozen=True):
    """Nothing that a door is told."""


class Door(State, frozen=True):
    """Its phase is all."""

    phase: Phase


CONTEXT = Context(Address("door", "front"), 0, 0)


def _go(_state: Door, message: Push, _context: Context) -> Decision[Door]:
    return Decision(Door(Phase(message.to)))


def _wall(_state: Door, _message: Wall, _context: Context) -> Decision[Door]:
    return Decision(Door(Phase.WALLED))


PUSH = row(Phase.SHUT, Push, _go, Phase.OPEN)
BACK = row(Phase.OPEN, Push, _go, Phase.SHUT)
WALL = row(Phase.OPEN, Wall, _wall, Phase.WALLED)
STAY = row(Phase.WALLED, Wall, _wall, Phase.WALLED)


def _door(*rows: Row, terminal: tuple[Enum, ...] = (Phase.WALLED,)) -> Machine[Door]:
    return Machine("door", phases=Phase, messages=(Push, Wall), rows=rows, terminal=terminal)


@pytest.mark.parametrize(
    ("rows", "terminal", "place"),
    [
        ((PUSH, PUSH, WALL), (Phase.WALLED,), "door: SHUT x Push: two rows"),
        (
            (PUSH, Row(Phase.OPEN, Stranger, _go, (Phase.SHUT,))),
            (),
            "door: OPEN x Stranger: .*declared",
        ),
        ((row(Phase.SHUT, Push, _go),), (), "door: SHUT x Push: no target"),
        ((row(Phase.SHUT, Push, _go, Other.ELSEWHERE),), (), "door: SHUT x Push: not a phase"),
        ((row(Other.ELSEWHERE, Push, _go, Phase.OPEN),), (), "door: ELSEWHERE x Push: not a phase"),
        (
            (PUSH, WALL, row(Phase.WALLED, Push, _go, Phase.OPEN)),
            (Phase.WALLED,),
            "door: WALLED x Push: leads out of a terminal",
        ),
        (
            (PUSH, WALL, row(Phase.WALLED, Push, _go, Phase.WALLED, Phase.OPEN)),
            (Phase.WALLED,),
            "door: WALLED x Push: leads out of a terminal",
        ),
        ((PUSH, BACK, STAY), (Phase.WALLED,), "door: phases that nothing leads to: WALLED"),
        ((PUSH, WALL), (), "door: phases without a row, not terminal: WALLED"),
        ((PUSH, BACK, WALL), (Phase.WALLED, Other.ELSEWHERE), "door: terminal, but not its phases"),
    ],
)
def test_lying_table_is_refused(
    rows: tuple[Row, ...], terminal: tuple[Enum, ...], place: str
) -> None:
    """A table that lies is refused where it is declared, and the error names the place (S16)."""
    with pytest.raises(MachineError, match=place):
        _door(*rows, terminal=terminal)


def test_message_that_nobody_takes_is_refused() -> None:
    """A declared message without any row is refused by its name (S16)."""
    with pytest.raises(MachineError, match="door: messages that no phase takes: Stranger"):
        Machine(
            "door", phases=Phase, messages=(Push, Wall, Stranger), rows=(PUSH, WALL, STAY),
            terminal=(Phase.WALLED,),
        )  # fmt: skip


def test_every_pair_has_an_answer() -> None:
    """A pair without a row is filled with the declared refusal, which names and changes nothing."""
    refusal = Refusal("DOOR_WALLED", "no way")
    door: Machine[Door] = Machine(
        "door", phases=Phase, messages=(Push, Wall), rows=(PUSH, BACK, WALL, STAY),
        terminal=(Phase.WALLED,), refusal=refusal,
    )  # fmt: skip
    pairs = {(line.source, line.message): line for line in door}
    assert set(pairs) == {(p, m) for p in Phase for m in (Push, Wall)}
    filled = [pair for pair, line in pairs.items() if line.refused]
    assert filled == [(Phase.SHUT, Wall), (Phase.WALLED, Push)]
    for phase, message in filled:
        assert door.decide(Door(Phase(phase.value)), message(), CONTEXT) is refusal


def test_default_refusal_is_a_conflict() -> None:
    """Without a refusal of its own a machine answers CONFLICT (interface.md 1)."""
    outcome = _door(PUSH, BACK, WALL).decide(Door(Phase.SHUT), Wall(), CONTEXT)
    assert isinstance(outcome, Refusal)
    assert outcome.code == "CONFLICT"


def test_handler_cannot_leave_its_row() -> None:
    """A handler that ends in another phase than its row declares is a bug, seen at once."""
    door = _door(PUSH, BACK, WALL)
    with pytest.raises(AssertionError, match="undeclared"):
        door.decide(Door(Phase.SHUT), Push("shut"), CONTEXT)


def test_message_of_another_machine_is_a_bug() -> None:
    """A message that was never declared has no row and no refusal: the caller's bug."""
    with pytest.raises(KeyError):
        _door(PUSH, BACK, WALL).decide(Door(Phase.SHUT), Stranger(), CONTEXT)


def test_drawing_is_made_of_the_rows() -> None:
    """The diagram has one arrow per declared target, a start, the ends, and no refused pair."""
    door = _door(PUSH, row(Phase.OPEN, Push, _go, Phase.SHUT, Phase.OPEN), WALL)
    assert door.mermaid().splitlines() == [
        "stateDiagram-v2",
        "    [*] --> SHUT",
        "    SHUT --> OPEN : Push",
        "    OPEN --> SHUT : Push",
        "    OPEN --> OPEN : Push",
        "    OPEN --> WALLED : Wall",
        "    WALLED --> [*]",
    ]


def test_table_shows_targets_and_refusals() -> None:
    """The Markdown table has a line per phase and a cell per message, refusals by their code."""
    assert _door(PUSH, BACK, WALL).table().splitlines() == [
        "| phase | Push | Wall |",
        "| --- | --- | --- |",
        "| SHUT | OPEN | *CONFLICT* |",
        "| OPEN | SHUT | WALLED |",
        "| WALLED | *CONFLICT* | *CONFLICT* |",
    ]


def test_repr_counts() -> None:
    """A machine says how large it is and how much of it is refusal."""
    assert repr(_door(PUSH, BACK, WALL)) == "<Machine door: 3 phases, 6 rows, 3 refused>"


def test_drawn_ids_differ_by_all_that_names_a_change() -> None:
    """An id is the same for the same change and another for any other actor, version, ordinal."""
    ids = {
        Context(Address(kind, key), 0, version).draw_id("lt", ordinal)
        for kind in ("a", "b") for key in ("x", "y") for version in (1, 2) for ordinal in (0, 1)
    }  # fmt: skip
    assert len(ids) == 16
    again = Context(Address("a", "x"), 99, 1, attempts=3).draw_id("lt", 1)
    assert again in ids, "business time and attempts draw no other id: a replay draws the same"
    assert again.startswith("lt_")
    assert len(again) == len("lt_") + 20
