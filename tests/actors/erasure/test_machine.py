"""Keys go after what was on its way, once, and the proof names nobody (S59, X13, E13; adr/0029)."""

from comptoir.actors.erasure.machine import MACHINE, WAIT_MS, ErasureState, PersonErased, Phase
from comptoir.actors.erasure.messages import (
    BeginErasure,
    DescribeErasure,
    DestroyNow,
    ErasureDescribed,
    KeysDestroyed,
    Sealed,
)
from comptoir.actors.gateways.messages import KEYS, DestroyKeys
from comptoir.engine.decision import Decision, Refusal
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Message

DAWN = 1_800_000_000_000
ME = Address("erasure", "p1")
WHAT = (Sealed("person", "p1"), Sealed("browser_session", "s1"))


def _decide(state: ErasureState, message: Message, now: int = DAWN) -> Decision[ErasureState]:
    outcome = MACHINE.decide(state, message, Context(ME, now, 1))
    assert isinstance(outcome, Decision)
    return outcome


def test_it_waits_then_destroys_then_tells() -> None:
    """X13: a durable timer, one order to the key store, and a state that says when and how many."""
    begun = _decide(ErasureState(Phase.NONE), BeginErasure(WHAT))
    (timer,) = begun.messages
    assert (timer.target, timer.due_at) == (ME, DAWN + WAIT_MS)
    assert timer.message == DestroyNow()
    going = _decide(begun.state, DestroyNow(), DAWN + WAIT_MS)
    (order,) = going.messages
    assert order.target == KEYS
    assert order.message == DestroyKeys("p1", (("person", "p1"), ("browser_session", "s1")))
    done = _decide(going.state, KeysDestroyed(2), DAWN + WAIT_MS + 1)
    assert done.events == (PersonErased(2),)
    described = _decide(done.state, DescribeErasure()).reply
    assert described == ErasureDescribed("erased", 2, DAWN + WAIT_MS + 1)


def test_nobody_is_erased_twice() -> None:
    """S59: what is over is not begun again, and nobody is told of who was never erased."""
    done = ErasureState(Phase.ERASED, WHAT, 2, DAWN)
    for state, message in (
        (done, BeginErasure(WHAT)), (done, DestroyNow()), (ErasureState(Phase.NONE), DescribeErasure()),
    ):  # fmt: skip
        outcome = MACHINE.decide(state, message, Context(ME, DAWN, 1))
        assert isinstance(outcome, Refusal)
        assert outcome.code == "NOT_FOUND"
