"""What the edge makes of dead letters: ids, times, who decides alone and who does not (S64, E14)."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.approval.messages import Action, DescribeApproval, Propose, Proposed
from comptoir.actors.disposition.messages import DisposeLetter, NoteReading, ReplayLetters
from comptoir.engine import Address, Erased, Message, Refused, Unavailable
from comptoir.engine.letters import ID_MAX
from comptoir.http.dead_letters import content, letter_of, listed
from comptoir.http.dispositions import discard, replay, replay_many
from comptoir.http.identity.opening import Identity
from comptoir.http.letters_testing import a_letter, of_dispositions
from comptoir.http.operation import Call
from comptoir.http.principal import Principal, Role
from comptoir.http.testing import NOW_MS, FakeAnswer, FakeDaemon
from comptoir.http.times import read_rfc3339, rfc3339

EVA = Principal("eva", "https://issuer.example", frozenset((Role.OPERATIONS,)))
HELD = a_letter(7, "hold")


def _call(body: object = None, letter: int = 7, **query: str) -> Call:
    data = b"" if body is None else msgspec.json.encode(body)
    wanted = {name: [value] for name, value in query.items()}
    path = {"letterId": f"dl_{letter:016x}"}
    return Call("abcdefgh", path, wanted, "application/json", data, principal=EVA)


@pytest.fixture
def daemon(identity: Identity) -> FakeDaemon:
    """One with accounts, in which nothing was proposed before."""
    fake = FakeDaemon(loopback_only=False)
    fake.identity = identity

    async def asked(_address: Address, message: Message) -> FakeAnswer:
        if isinstance(message, DescribeApproval):
            raise Refused("NOT_FOUND")
        if isinstance(message, Propose):
            return FakeAnswer(Proposed("0" * 64, NOW_MS + message.lifetime_ms))
        return FakeAnswer(of_dispositions(message, NOW_MS))

    fake.asked = asked
    return fake


def _said(daemon: FakeDaemon, kind: type[Message]) -> Any:
    """The one message of this kind."""
    (message,) = [message for _, message in daemon.asks if isinstance(message, kind)]
    return message


@given(st.integers(0, 2**64 - 1))
def test_ids_are_ours_or_nobodys(number: int) -> None:
    """Interface.md 1: an id leads to its letter and to no other; one that cannot be is not found."""
    text = f"dl_{number:016x}"
    assert letter_of(text) == (number if 0 < number <= ID_MAX else None)
    for wrong in (text.upper(), f"{text}0", f" {text}", text[:-1], str(number), ""):
        assert letter_of(wrong) is None


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31)))  # noqa: DTZ001  # made UTC below
def test_times_are_read_as_they_are_written(moment: datetime) -> None:
    """RFC 3339: a time of ours is read back to the millisecond."""
    ms = int((moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
    assert read_rfc3339(rfc3339(ms)) == ms


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-11-30", "2026-11-30T09:00:00", "2026-11-30T09:00:00+01:00", "0000-01-01T00:00:00Z",
     "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-30T25:00:00Z", "2026-11-30t09:00:00z",
     "2026-11-30T09:00:00.1234Z", "٢٠٢٦-11-30T09:00:00Z"],
)  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    """What has no zone, another one, or is not in the calendar is refused, never guessed at."""
    assert read_rfc3339(text) is None


async def test_a_list_shows_until_when(daemon: FakeDaemon) -> None:
    """X23: a letter says when it will be deleted; one that is held for a person never is."""
    daemon.letters.rows = [a_letter(8, died_at=NOW_MS), replace_died(HELD, NOW_MS)]
    items = msgspec.json.decode((await listed(daemon, _call())).body)["items"]
    assert [x["letterId"] for x in items] == [f"dl_{8:016x}", f"dl_{7:016x}"]
    assert items[0]["expiresAt"] == rfc3339(NOW_MS + daemon.rules.dead_letter_ms)
    assert items[1]["expiresAt"] is None


def replace_died(letter: Any, died_at: int) -> Any:
    """The same letter, dead at another time."""
    return msgspec.structs.replace(letter, died_at=died_at)


async def test_a_held_call_is_given_up_by_two(daemon: FakeDaemon) -> None:
    """E14, invariant 4: what may be a payment is given up when a second person has agreed, and not before;
    any other letter by one.
    """
    daemon.letters.rows = [HELD, a_letter(8)]
    answer = await discard(daemon, _call({"reason": "the bank has it"}))
    assert answer.status == 202
    assert msgspec.json.decode(answer.body)["status"] == "proposed"
    proposed = _said(daemon, Propose)
    assert (proposed.action, proposed.checkers) == (Action.SETTLE, ("OPERATIONS", "ADMIN"))
    assert proposed.order.reason == "the bank has it"
    assert not any(isinstance(message, DisposeLetter) for _, message in daemon.asks)
    await discard(daemon, _call({"reason": "of no use"}, letter=8))
    assert _said(daemon, DisposeLetter).letter == 8


async def test_a_held_call_is_looked_up_by_one(daemon: FakeDaemon) -> None:
    """S64: replaying a call of unknown outcome never sends it again (engine/gateway.py), so one may."""
    daemon.letters.rows = [HELD]
    assert (await replay(daemon, _call())).status == 202
    assert _said(daemon, DisposeLetter).maker == "eva"


async def test_nobody_replays_what_nobody_can_read(
    daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X13: a letter of somebody who was erased is refused by name, before anything is decided."""
    daemon.letters.rows = [HELD]

    async def erased(_letter_id: int) -> bytes | None:
        raise Erased

    monkeypatch.setattr(daemon.letters, "open_letter", erased)
    with pytest.raises(Erased):
        await replay(daemon, _call())
    assert daemon.asks == []


async def test_nobody_reads_what_goes_unrecorded(
    daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S57: who reads what a letter says is told to the audit log first; where that is away nothing is shown,
    and of what nobody can read there is no reading.
    """
    daemon.letters.rows = [HELD]
    assert (await content(daemon, _call())).status == 200
    assert daemon.asks == [(Address("disposition", f"dl_{7:016x}"), NoteReading(7, "eva"))]

    async def away(_address: Address, _message: Message) -> FakeAnswer:
        raise Unavailable

    monkeypatch.setattr(daemon, "asked", away)
    with pytest.raises(Unavailable):
        await content(daemon, _call())

    async def erased(_letter_id: int) -> bytes | None:
        raise Erased

    daemon.asks.clear()
    monkeypatch.setattr(daemon.letters, "open_letter", erased)
    with pytest.raises(Erased):
        await content(daemon, _call())
    assert daemon.asks == []


async def test_many_are_what_was_there(daemon: FakeDaemon) -> None:
    """E14: the order that is approved names the filter and the newest letter, and so none that dies later."""
    daemon.letters.rows = [a_letter(n, died_at=NOW_MS + n) for n in range(1, 6)]
    body = {"queue": "dlq:points", "diedBefore": rfc3339(NOW_MS + 5)}
    answer = msgspec.json.decode((await replay_many(daemon, _call(body))).body)
    assert answer["letters"] == 4
    proposed = _said(daemon, Propose)
    order = proposed.order
    assert isinstance(order, ReplayLetters)
    assert (order.until, order.maker, order.wanted.died_before) == (4, "eva", NOW_MS + 5)
    assert order.per_second == daemon.rules.replay_per_second_max
    assert proposed.target_key == answer["dispositionId"]
    assert proposed.details[0] == "letters 4"


async def test_nothing_is_proposed_about_nothing(daemon: FakeDaemon) -> None:
    """Where no letter is covered there is nothing to approve."""
    assert (await replay_many(daemon, _call({"queue": "dlq:points"}))).status == 404
    assert not any(isinstance(message, Propose) for _, message in daemon.asks)


@pytest.mark.parametrize(
    "body", [{}, {"queue": ""}, {"queue": "a b"}, {"queue": "q", "diedFrom": "x"}, {"queue": "q", "x": 1},
             {"queue": "q", "diedFrom": "2026-02-30T00:00:00Z"}],
)  # fmt: skip
async def test_many_are_asked_for_rightly(daemon: FakeDaemon, body: dict[str, str]) -> None:
    """Interface.md 1: a filter that is none is refused, and nothing is looked for."""
    daemon.letters.rows = [HELD]
    assert (await replay_many(daemon, _call(body))).status == 422
    assert daemon.asks == []


async def test_alone_on_this_machine(daemon: FakeDaemon) -> None:
    """Without accounts there is no second person: whoever is on this machine decides (auth.mode loopback)."""
    daemon.identity = None
    daemon.letters.rows = [a_letter(7)]
    call = replace(_call({"queue": "dlq:points"}), principal=None)
    assert (await replay_many(daemon, call)).status == 202
    assert _said(daemon, ReplayLetters).maker == ""
