"""The end of a run: without faults all work ends in time, and the books are what they must be.

Rule: what must be is computed from what was reported and asked, never from what the daemon did; a dead
letter that is left, a refund that was given up and a payment that is held each need a cause that the
run explains. Source: design.md 8 and 9; interface.md 1 and 6; issue 3, deliver 4 (liveness).
"""

# pyright: reportPrivateUsage=false
# Whether anybody is busy is asked where no public door leads.

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

import msgspec
import trio

from comptoir.actors.programme import DAY_MS
from comptoir.actors.wallet.messages import ClawBack
from comptoir.engine.toys import Toy
from comptoir.storage.memory import MessageRow
from tests.simulation.operators import replay
from tests.simulation.parties import CALL, NO

if TYPE_CHECKING:
    from tests.simulation.world import World

__all__ = ["end_well"]

BACK_OFF_S: Final = CALL.deadline_s * 2 + sum(CALL.retry_delays_ms) / 1000
LIMIT_S: Final = BACK_OFF_S + CALL.breaker.recovery_ms / 1000 + 60.0
"""The longest back-off of a call, the breaker's recovery, and 60 s (issue 3)."""
POLL_S: Final = 0.25
REPLAYS_MAX: Final = 6
_CLAW_BACKS: Final = msgspec.json.Decoder(ClawBack)
_TOYS: Final = msgspec.json.Decoder(Toy)


async def end_well(world: "World") -> None:
    """Bring the run to its end and judge it."""
    await _settle(world, "with faults off")
    await _link(world)
    await _settle(world, "with every card linked")
    await _pass_time(world)
    for _ in range(REPLAYS_MAX):
        daemon = world.newest
        if daemon is not None:
            await replay(world, daemon)
        await _settle(world, "after a replay")
    # What a refund waits for may have been replayed only now: its wait is a day.
    await _pass_time(world)
    await _stop(world)
    _judge_money(world)
    _judge_toys(world)
    _judge_parties(world)
    _judge_left(world)


async def _link(world: "World") -> None:
    with trio.move_on_after(LIMIT_S):
        await world.bank.link_rest()
        return
    world.fail("liveness", f"cards cannot be linked: {world.bank.unlinked}")


async def _stop(world: "World") -> None:
    """A stop that finds nothing to do ends well within its time."""
    daemon = world.newest
    if daemon is not None:
        world.stays_down = True
        daemon.stop()
        with trio.move_on_after(10.0):
            while daemon.stage != "ended":  # noqa: ASYNC110  # asked once in a run
                await trio.sleep(0.1)
            return
        world.fail("liveness", f"{daemon.name} does not stop")


async def _pass_time(world: "World") -> None:
    """Move business time beyond every timer and every wait."""
    seconds = (world.programme.hold_ms + 2 * DAY_MS) / 1000
    done = False
    with trio.move_on_after(LIMIT_S):
        while not done:
            daemon = world.newest
            if daemon is not None and daemon.serving:
                done = await daemon.operate(lambda engine: engine.advance_clock(seconds, 5.0))
            await trio.sleep(0.1)
    world.say("world", f"{seconds:g} s later")
    await _settle(world, "after every timer")


async def _settle(world: "World", when: str) -> None:
    """All work ends within the longest back-off and 60 s."""
    with trio.move_on_after(LIMIT_S):
        while _left(world):  # noqa: ASYNC110  # "nothing is left" is no single event
            await trio.sleep(POLL_S)
        world.say("world", f"settled {when}")
        return
    world.fail("liveness", f"{when}, after {LIMIT_S:g} s there is still: {_left(world)}")


def _left(world: "World") -> str:
    """What is not done yet; empty when all is."""
    daemon = world.newest
    if daemon is None or not daemon.serving:
        return "no daemon serves"
    if world.bank.open or world.crowd.open:
        return f"{world.bank.open} reports and {world.crowd.open} asks unacknowledged"
    engine: Any = daemon.engine
    assert daemon.journal is not None
    if engine._busy or daemon.journal.statistics().runs_waiting:
        return f"busy: {engine!r}"
    now = daemon.clock.now()
    for row in world.tables.messages.values():
        if row.kind == "message" or (row.due_at is not None and row.due_at <= now):
            return f"row {row.id & 0xFFFFFF} to {row.target} is due"
        if row.kind == "parked" and _released(world, row):
            return f"a row to {row.target} is parked, though what it waits for is there"
        if row.name is not None and row.name.startswith("started:"):
            return f"nobody knows of {row.name}"
        if row.attempts and row.kind == "timer":
            return f"a call of {row.target.kind} is to be tried again"
    return ""


def _released(world: "World", row: MessageRow) -> bool:
    """Whether what a parked row waits for has come: the party, the card, the purchase."""
    if row.target.kind == "connection":
        return row.target.key not in world.bank.unlinked
    if row.target.kind == "wallet":
        refund = _CLAW_BACKS.decode(row.payload)
        return world.bank.refund_of[refund.refund_id] in world.checker.credited
    return True


# The books.


def _judge_money(world: "World") -> None:
    """Everything acknowledged was credited, once, and refunds were taken off."""
    bank, tables = world.bank, world.tables
    ignored = set(world.checker.ignored)
    for refund, at in world.checker.ignored.items():
        _judge_ignored(world, refund, at)
    points: dict[str, int] = defaultdict(int)
    for purchase in bank.purchases.values():
        document = tables.documents.get(("transaction", f"seed:{purchase.id}"))
        earns = purchase.rate_bp > 0
        if document is None:
            if earns:
                world.fail("4 money", f"purchase {purchase.id} was acknowledged and is lost")
            continue
        body = document[1]
        taken = (str(body["user_id"]), int(body["amount_cents"]))
        if taken not in purchase.bodies:
            world.fail("4 money", f"{purchase.id}: nobody sent {taken}")
        if earns:
            points[taken[0]] += purchase.points(taken[1], ignored)
    for user in bank.users:
        held = [tables.balances.get(f"{book}:{user}", 0) for book in ("available", "pending")]
        if held != [points[user], 0]:
            detail = f"{user} has {held[0]} points and {held[1]} pending: {points[user]} expected"
            world.fail("4 money", detail)
        if tables.balances.get(f"shortfall:{user}", 0):
            world.fail("4 money", f"{user} owes, though nobody spends")


def _judge_ignored(world: "World", refund: str, at: int) -> None:
    """A refund is given up only when it waited its time, and its purchase earned nothing by then."""
    bank, checker = world.bank, world.checker
    waited = at - bank.taken_at.get(refund, at)
    purchase = bank.purchases[bank.refund_of[refund]]
    if waited < world.programme.refund_wait_ms:
        world.fail("4 money", f"refund {refund} was given up after {waited} ms")
    credited = checker.credited.get(purchase.id)
    if credited is not None and credited < at:
        world.fail("4 money", f"refund {refund} was given up, though its purchase was credited")


def _judge_toys(world: "World") -> None:
    """Every label is in the states exactly as often as it must be."""
    seen: Counter[tuple[str, str]] = Counter()
    for address, row in world.tables.actors.items():
        if address.kind in ("toy", "ring"):
            state = _TOYS.decode(row[2])
            seen.update((address.kind, label) for label in state.seen)
    expected = Counter(world.crowd.expected)
    answers = Counter({key: n for key, n in seen.items() if key[1].startswith("answered ")})
    failures = {key for key in seen if key[1].startswith("failed ")}
    for key in (*answers, *failures):
        del seen[key]
    for key in sorted({*seen, *expected}):
        if seen[key] != expected[key]:
            detail = f"{key[0]} {key[1]!r} took effect {seen[key]} times, not {expected[key]}"
            world.fail("2 exactly once", detail)
    for (_, label), times in sorted(answers.items()):
        if times != 1:
            world.fail("2 exactly once", f"{label!r} came {times} times")


def _judge_parties(world: "World") -> None:
    """Every call was carried out, refused, or is held; what pays, at most once."""
    labels = {
        label
        for address, row in world.tables.actors.items()
        if address.kind == "toy"
        for label in _TOYS.decode(row[2]).seen
    }
    held = {
        row.payload.decode().partition('"reference":"')[2].partition('"')[0]
        for row in world.tables.messages.values()
        if row.kind == "dead" and row.queue in ("hold", "dlq:query")
    }
    for reference, name in world.crowd.calls.items():
        party = world.payout if name == "payout" else world.query
        key = f"{name}:{reference}"
        effects = party.effects[key]
        if name == "payout" and effects > 1:
            world.fail("6 confirm first", f"{reference} was paid {effects} times")
        refused = any(label.startswith(f"failed {reference} ") for label in labels)
        answered = f"answered {reference}" in labels
        if answered and not effects:
            world.fail("6 confirm first", f"{reference} was answered and never carried out")
        if effects and not answered:
            world.fail("4 money", f"{reference} was carried out, and its asker was never told")
        if not (answered or refused or reference in held):
            world.fail("6 every call ends", f"{reference} has no answer, refusal or hold")
        if reference in held and not effects and not reference.startswith(NO):
            _judge_held(world, name, reference)
    for purchase in world.bank.purchases.values():
        pushed = world.push.effects[f"push:credit:{purchase.id}"]
        document = world.tables.documents.get(("transaction", f"seed:{purchase.id}"))
        earned = document is not None and purchase.id in world.checker.credited
        if bool(pushed) != earned:
            world.fail("6 every call ends", f"{purchase.id}: pushed {pushed}, credited {earned}")


def _judge_held(world: "World", name: str, reference: str) -> None:
    """A call that was never carried out may be held only if something came in between."""
    if name == "query":
        world.fail("6 every call ends", f"query {reference} stayed dead with a healthy party")
    died = world.crashes + world.take_overs + len(world.daemons) - 1
    if not died and f"payout:{reference}" not in world.payout.touched:
        world.fail("6 every call ends", f"payout {reference} is held for no reason")


def _judge_left(world: "World") -> None:
    """No row is left but dead letters that the run explains."""
    for row in world.tables.messages.values():
        text = row.payload.decode()
        if row.kind != "dead":
            world.fail("no row left", f"{row.kind} to {row.target}, due {row.due_at}: {text}")
            continue
        label = text.partition('"label":"')[2].partition('"')[0]
        reference = text.partition('"reference":"')[2].partition('"')[0]
        explained = (label in world.crowd.doomed and row.code in ("MACHINE_CRASHED", "23514")) or (
            reference in world.crowd.calls
            and (row.queue == "hold" or (row.code == "PARTY_REFUSED" and reference.startswith(NO)))
        )
        if not explained:
            world.fail("no unexplained letter", f"{row.queue} {row.code} {row.detail}: {text}")
