"""The journal's contract, once, against every journal: memory, PostgreSQL 18, PostgreSQL 15.

Source: engine/journal.py; design.md 2, 3, 7, 8.
"""

from typing import Any

import pytest
import trio

from comptoir.engine.decision import Attempt, DeadLetter, Decision, Outgoing
from comptoir.engine.errors import Stopping
from comptoir.engine.journal import Gone, Lost
from comptoir.engine.values import Address, encode
from comptoir.storage.journal_testing import (
    BLANK,
    NOW,
    Desk,
    Noted,
    Remind,
    keep,
    note,
    page,
    put,
    tell,
)

ALICE = Address("wallet", "alice")
BOB = Address("wallet", "bob")
PUSH = Address("push", "push")


async def test_a_commit_is_read_back_as_written(backend: Any) -> None:
    """State, event, message and document of one decision are there after its fate (S16)."""
    async with backend.open() as journal:
        desk = Desk(journal)
        fate = await desk.write(
            ALICE,
            note("a", events=(Noted("e"),), messages=(tell(PUSH, "m"),), documents=(
                put("d", {"x": 1, "y": None}, owner="alice"),)),
        )  # fmt: skip
        assert (fate.count, fate.why, fate.released) == (1, None, False)
        (row,) = fate.outgoing
        assert (row.target, row.sender, row.message) == (PUSH, ALICE, Remind("m"))
        assert (row.due_at, row.created_at, row.name) == (NOW, NOW, None)
        loaded = await journal.load(ALICE)
        assert (loaded.version, loaded.schema, loaded.state) == (1, 1, encode(page("a")))
        (read,) = await journal.pending(PUSH, 10, NOW)
        assert (read.id, read.target, read.sender) == (row.id, PUSH, ALICE)
        assert read.payload == encode(Remind("m"))
        (event,) = await journal.events(0, 10)
        assert (event.number, event.at, event.address, event.type) == (1, NOW, ALICE, "Noted")
        assert event.payload == encode(Noted("e"))
        assert await journal.documents("sample", ["d", "none"]) == {"d": {"x": 1, "y": None}}


async def test_an_actor_never_written_is_none(backend: Any) -> None:
    """Loading what does not exist answers None, also among many loads at once."""
    async with backend.open() as journal:
        await Desk(journal).write(ALICE, note("a"))
        found: dict[str, Any] = {}

        async def load(key: str) -> None:
            found[key] = await journal.load(Address("wallet", key))

        async with trio.open_nursery() as nursery:
            for number in range(300):
                nursery.start_soon(load, f"nobody-{number}")
            nursery.start_soon(load, "alice")
        assert found.pop("alice").version == 1
        assert set(found.values()) == {None}


async def test_many_load_one_address(backend: Any) -> None:
    """Whoever asks at once for the same state gets it, the first as the others (S72)."""
    async with backend.open() as journal:
        await Desk(journal).write(ALICE, note("a"))
        found: list[Any] = []

        async def load() -> None:
            found.append(await journal.load(ALICE))

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(load)
        assert [loaded.version for loaded in found] == [1] * 5


async def test_a_message_may_be_sent_on_behalf_of_another(backend: Any) -> None:
    """A gateway that tries a call again keeps the asking actor as its sender (design.md 6)."""
    async with backend.open() as journal:
        desk = Desk(journal)
        again = Outgoing(PUSH, Remind("m"), sender=ALICE)
        fate = await desk.write(BOB, note("a", messages=(again,)))
        assert fate.outgoing[0].sender == ALICE
        (row,) = await journal.pending(PUSH, 10, NOW)
        assert row.sender == ALICE


async def test_fates_and_ids_follow_the_order_of_submission(backend: Any) -> None:
    """Messages from one actor to another arrive in the order of their commits (design.md 2)."""
    async with backend.open(batch_decisions_max=7) as journal:
        desk = Desk(journal)
        runs = [
            desk.submit(Address("wallet", str(n)), note("x", messages=(tell(PUSH, str(n)),)))
            for n in range(40)
        ]
        fates = await desk.wait(40)
        assert desk.settled == runs
        ids = [fate.outgoing[0].id for fate in fates]
        assert ids == sorted(set(ids))
        rows = await journal.pending(PUSH, 100, NOW)
        assert [row.id for row in rows] == ids
        assert [row.id for row in await journal.pending(PUSH, 3, NOW)] == ids[:3]


async def test_a_run_advances_the_version_once_for_each_changed_state(backend: Any) -> None:
    """The very same state object changes no version; a stale run is lost, not applied."""
    async with backend.open() as journal:
        desk = Desk(journal)
        same = page("same")
        await desk.write(ALICE, Decision(same), Decision(same), note("b"), Decision(page("b")))
        assert (await journal.load(ALICE)).version == 3
        desk.versions[ALICE] = 1
        fate = await desk.write(ALICE, note("stale", events=(Noted("never"),)))
        assert isinstance(fate.why, Lost)
        assert (fate.count, fate.why.code) == (0, "STALE")
        assert (await journal.load(ALICE)).state == encode(page("b"))
        assert await journal.events(0, 10) == []


async def test_two_runs_of_one_actor_in_a_batch_follow_each_other(backend: Any) -> None:
    """A second run decided on the first one's outcome commits with it; one on the old is stale."""
    async with backend.open() as journal:
        desk = Desk(journal)
        desk.submit(ALICE, note("a"), note("b"))
        desk.versions[ALICE], desk.states[ALICE] = 2, BLANK
        desk.submit(ALICE, note("c"))
        desk.versions[ALICE] = 1
        desk.submit(ALICE, note("d"))
        first, second, third = await desk.wait(3)
        assert (first.why, second.why) == (None, None)
        assert isinstance(third.why, Lost)
        loaded = await journal.load(ALICE)
        assert (loaded.version, loaded.state) == (3, encode(page("c")))


async def test_a_consumed_message_is_deleted_with_its_decision(backend: Any) -> None:
    """A hand-over happens exactly once; a second consumer is told that the row is gone."""
    async with backend.open() as journal:
        desk = Desk(journal)
        (row,) = (await desk.write(ALICE, note("a", messages=(tell(BOB, "m"),)))).outgoing
        desk.submit(BOB, note("b"), consumed=(row,))
        desk.submit(PUSH, keep(events=(Noted("never"),)), consumed=(row,), stateless=True)
        taken, late = await desk.wait(2)
        assert (taken.why, late.why) == (None, Gone())
        assert await journal.pending(BOB, 10, NOW) == []
        again = await desk.write(BOB, keep(), note("c"), consumed=(None, row))
        assert (again.count, again.why) == (1, Gone())
        assert await journal.events(0, 10) == []


async def test_a_named_timer_has_one_setting(backend: Any) -> None:
    """Setting a timer again replaces it; cancelling forgets it (design.md 3)."""
    async with backend.open() as journal:
        desk = Desk(journal)
        early = tell(ALICE, "1", due_at=NOW + 5, name="t")
        await desk.write(ALICE, note("a", messages=(early,)))
        late = tell(ALICE, "2", due_at=NOW + 9, name="t")
        other = tell(ALICE, "3", due_at=NOW + 7, name="u")
        await desk.write(ALICE, note("b", messages=(early, late, other)))
        rows = await journal.due_timers(NOW + 100, NOW, 10)
        assert [row.payload for row in rows] == [encode(Remind("3")), encode(Remind("2"))]
        assert [row.name for row in rows] == ["u", "t"]
        assert await journal.next_due(NOW) == NOW + 7
        assert await journal.next_due(NOW + 7) == NOW + 9
        await desk.write(ALICE, note("c", cancel=("t", "u", "unknown")))
        assert await journal.next_due(NOW) is None


async def test_what_is_created_and_cancelled_in_a_batch_was_never_there(backend: Any) -> None:
    """Neither row nor hand-over is left of a message that the same run cancels."""
    async with backend.open() as journal:
        desk = Desk(journal)
        fate = await desk.write(
            ALICE,
            note("a", messages=(tell(ALICE, "1", name="now"), tell(ALICE, "2"))),
            note("b", cancel=("now",)),
        )
        assert [row.message for row in fate.outgoing] == [Remind("2")]
        assert len(await journal.pending(ALICE, 10, NOW)) == 1


async def test_a_timer_replaced_while_it_was_on_its_way_is_gone(backend: Any) -> None:
    """A timer that fired and was set again before it was handled is not handled (design.md 3)."""
    async with backend.open() as journal:
        desk = Desk(journal)
        await desk.write(ALICE, note("a", messages=(tell(ALICE, "1", due_at=NOW + 5, name="t"),)))
        (fired,) = await journal.due_timers(NOW + 5, NOW, 10)
        later = tell(ALICE, "2", due_at=NOW + 50, name="t")
        fate = await desk.write(
            ALICE, note("b", messages=(later,)), note("c"), consumed=(None, fired), at=NOW + 5
        )
        assert (fate.count, fate.why) == (1, Gone())
        assert await journal.next_due(NOW) == NOW + 50
        (fired,) = await journal.due_timers(NOW + 50, NOW, 10)
        again = tell(ALICE, "3", due_at=NOW + 90, name="t")
        fate = await desk.write(ALICE, note("d", messages=(again,)), consumed=(fired,), at=NOW + 50)
        assert fate.why is None
        assert await journal.next_due(NOW) == NOW + 90


async def test_parked_work_waits_for_its_release(backend: Any) -> None:
    """Parked rows are not pending; `release` makes this actor's due, in id order (X18, E5)."""
    async with backend.open() as journal:
        desk = Desk(journal)
        parked = (
            tell(PUSH, "1", parked=True),
            tell(PUSH, "2", parked=True, due_at=NOW + 1000),
            tell(BOB, "3", parked=True),
        )
        fate = await desk.write(ALICE, note("a", messages=parked))
        assert list(fate.outgoing) == []
        assert await journal.count_pending(NOW) == {("push", "parked"): 2, ("wallet", "parked"): 1}
        assert await journal.pending(PUSH, 10, NOW) == []
        (due,) = await journal.pending(PUSH, 10, NOW + 1000)
        assert due.payload == encode(Remind("2"))
        assert [x.id for x in await journal.due_timers(NOW + 1000, NOW, 9)] == [due.id]
        fate = await desk.write(
            PUSH,
            keep(messages=(tell(PUSH, "4", parked=True),)),
            keep(release=True, messages=(tell(PUSH, "5", parked=True), tell(PUSH, "6"))),
            stateless=True,
            at=NOW + 1,
        )
        assert (fate.released, [x.message for x in fate.outgoing]) == (True, [Remind("6")])
        rows = await journal.pending(PUSH, 10, NOW + 1)
        assert [x.payload for x in rows] == [encode(Remind(text)) for text in "1246"]
        assert {x.due_at for x in rows} == {NOW + 1}
        assert await journal.count_pending(NOW + 1) == {
            ("push", "message"): 4,
            ("push", "parked"): 1,
            ("wallet", "parked"): 1,
        }


async def test_backlog_names_each_address_with_its_greatest_due_id(backend: Any) -> None:
    """What a restart must deliver is found from the table alone (design.md 3)."""
    async with backend.open() as journal:
        desk = Desk(journal)
        fate = await desk.write(
            PUSH,
            keep(messages=(tell(ALICE, "1"), tell(BOB, "2"), tell(ALICE, "3"),
                           tell(BOB, "4", due_at=NOW + 5), tell(PUSH, "5", parked=True))),
            stateless=True,
        )  # fmt: skip
        one, two, three = (row.id for row in fate.outgoing)
        assert one < two < three
        assert await journal.backlog(NOW, 10) == [(ALICE, three), (BOB, two)]
        assert await journal.backlog(NOW, 1) == [(ALICE, three)]
        (timer,) = await journal.due_timers(NOW + 5, NOW, 10)
        assert await journal.backlog(NOW + 5, 10) == [(ALICE, three), (BOB, timer.id)]
        assert await journal.count_pending(NOW) == {
            ("wallet", "message"): 3, ("wallet", "timer"): 1, ("push", "parked"): 1,
        }  # fmt: skip
        assert (await journal.count_pending(NOW + 5))[("wallet", "message")] == 4


async def test_timers_come_in_the_order_of_their_due_times(backend: Any) -> None:
    """Due times in (after, now], by (due_at, id), at most `limit`."""
    async with backend.open() as journal:
        times = [30, 10, 20, 10, 40]
        rows = tuple(tell(ALICE, str(n), due_at=NOW + at) for n, at in enumerate(times))
        await Desk(journal).write(ALICE, note("a", messages=rows))
        found = await journal.due_timers(NOW + 30, NOW, 10)
        assert [x.payload for x in found] == [encode(Remind(n)) for n in "1320"]
        assert await journal.due_timers(NOW + 30, NOW + 10, 1) == [found[2]]


async def test_a_dead_letter_keeps_its_story_and_can_be_replayed(backend: Any) -> None:
    """Reason, attempts and payload are kept; a replay is a due message under a new id (S64)."""
    async with backend.open() as journal:
        desk = Desk(journal)
        tried = (Attempt(NOW - 9, "started"), Attempt(NOW - 8, "TIMEOUT"))
        (row,) = (
            await desk.write(ALICE, note("a", messages=(tell(PUSH, "m", attempts=tried),)))
        ).outgoing
        letter = DeadLetter("dlq:notifications", "GIVEN_UP", "after 3")
        await desk.write(
            PUSH, keep(dead_letter=letter), consumed=(row,), stateless=True, at=NOW + 7
        )
        await desk.write(
            PUSH, keep(dead_letter=DeadLetter("dlq:points", "CRASHED")), message=Remind("asked"),
            stateless=True,
        )  # fmt: skip
        assert await journal.pending(PUSH, 10, NOW + 9) == []
        assert await journal.count_dead_letters() == {"dlq:notifications": 1, "dlq:points": 1}
        asked, dead = await journal.dead_letters(None, 10)
        assert await journal.dead_letters("dlq:points", 10) == [asked]
        assert (asked.sender, asked.payload) == (PUSH, encode(Remind("asked")))
        assert (dead.code, dead.detail, dead.attempts) == ("GIVEN_UP", "after 3", tried)
        assert (dead.sender, dead.created_at, dead.died_at) == (ALICE, NOW, NOW + 7)
        assert dead.payload == encode(Remind("m"))
        (revived,) = await journal.replay([dead.id, 42, dead.id], NOW + 20)
        assert revived.id > asked.id
        assert revived.attempts == (*tried, Attempt(NOW + 20, "replayed"))
        assert (revived.target, revived.due_at, revived.created_at) == (PUSH, NOW + 20, NOW)
        assert revived.payload == encode(Remind("m"))
        assert [x.id for x in await journal.pending(PUSH, 10, NOW + 20)] == [revived.id]
        assert await journal.count_dead_letters() == {"dlq:points": 1}
        assert await journal.replay([dead.id], NOW + 21) == []
        fate = await desk.write(PUSH, keep(), consumed=(revived,), stateless=True)
        assert fate.why is None


async def test_documents_merge_and_are_listed_in_key_order(backend: Any) -> None:
    """A read model changes with its decision; fields merge (S16)."""
    async with backend.open() as journal:
        desk = Desk(journal)
        await desk.write(
            ALICE,
            note("a", documents=(put("é", {"x": 1}, owner="alice"), put("b", {"n": {"deep": 1}}))),
            note("b", documents=(put("é", {"y": [1, "two"]}), put("B", {"x": True}, owner="bob"))),
        )
        await desk.write(ALICE, note("c", documents=(put("b", {"n": {"else": 2}}, owner="alice"),)))
        assert await journal.scan("sample", "", 10) == [
            ("B", {"x": True}), ("b", {"n": {"else": 2}}), ("é", {"x": 1, "y": [1, "two"]}),
        ]  # fmt: skip
        assert [key for key, _ in await journal.scan("sample", "B", 1)] == ["b"]
        assert await journal.scan("other", "", 10) == []


async def test_what_was_committed_is_there_after_opening_again(backend: Any) -> None:
    """The next journal goes on under a greater epoch; its ids are greater than all before."""
    async with backend.open() as journal:
        desk = Desk(journal)
        (before,) = (await desk.write(ALICE, note("a", messages=(tell(PUSH, "1"),)))).outgoing
        await journal.put_setting("clock", "42")
        epoch = journal.statistics().epoch
    async with backend.open() as journal:
        desk = Desk(journal)
        assert journal.statistics().epoch == epoch + 1
        assert (await journal.load(ALICE)).version == 1
        assert (await journal.setting("clock"), await journal.setting("none")) == ("42", None)
        desk.versions[ALICE] = 1
        fate = await desk.write(ALICE, note("b", events=(Noted("e"),), messages=(tell(PUSH, "2"),)))
        assert fate.outgoing[0].id > before.id
        assert journal.statistics().last_event == 1
        assert journal.statistics().batch >= 2


async def test_a_superseded_writer_writes_nothing(backend: Any) -> None:
    """Once the epoch was raised by another, every waiting run is lost, and none is written."""
    async with backend.open() as journal:
        desk = Desk(journal)
        await desk.write(ALICE, note("a"))
        await backend.usurp()
        desk.submit(ALICE, note("b", events=(Noted("never"),)))
        desk.submit(BOB, note("b"))
        one, two = await desk.wait(2)
        assert isinstance(one.why, Lost)
        assert (one.why.code, two.why) == ("SUPERSEDED", one.why)
        assert await journal.wait_stopped() == "SUPERSEDED"
        assert (await desk.write(ALICE, note("c"))).why == one.why
        assert not journal.available
        with pytest.raises(Stopping):
            await journal.replay([1], NOW)
    async with backend.open() as journal:
        assert (await journal.load(ALICE)).state == encode(page("a"))
        assert await journal.load(BOB) is None
        assert await journal.events(0, 10) == []


async def test_a_graceful_stop_commits_what_waits(backend: Any) -> None:
    """Accepted work finishes; what comes after the end is lost by name (interface.md 2)."""
    async with backend.open(batch_decisions_max=4) as journal:
        desk = Desk(journal)
        for n in range(20):
            desk.submit(Address("wallet", str(n)), note("x"))
    assert [fate.why for fate in desk.fates] == [None] * 20
    desk.submit(ALICE, note("late"))
    assert journal.statistics().stopped == "STOPPING"


async def test_statistics_are_a_frozen_snapshot(backend: Any) -> None:
    """What the journal has done can be read without touching it (style.md 14)."""
    async with backend.open() as journal:
        before = journal.statistics()
        await Desk(journal).write(ALICE, note("a", events=(Noted("1"), Noted("2"))), note("b"))
        after = journal.statistics()
        assert (before.decisions_total, after.decisions_total) == (0, 2)
        assert (after.last_event, after.batch_size_last, after.runs_waiting) == (2, 2, 0)
        assert after.connected
        assert journal.available
        with pytest.raises(AttributeError):
            after.epoch = 1
