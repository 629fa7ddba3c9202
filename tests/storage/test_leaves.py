"""The leaves of the audit log: one hash for each event, in one row for each batch."""

import hashlib
import json
from typing import Any

from comptoir.engine.values import Address
from comptoir.storage.journal_testing import Desk, Noted, note
from comptoir.storage.leaves import LEAF_BYTES, leaf_of

EVENTS_SQL = """select json_build_array(number, (extract(epoch from at) * 1000)::bigint, kind, key, type,
    encode(payload, 'hex')) from comptoir.event order by number"""
LEAVES_SQL = "select first || ' ' || encode(hashes, 'hex') from comptoir.leaf order by first"


async def test_every_event_has_its_leaf(postgres: Any) -> None:
    """S36, X13: the leaves are dense, and each is the hash of the event as it is stored."""
    async with postgres.open() as journal:
        desk = Desk(journal)
        for number in range(3):
            for actor in range(4):
                events = (Noted(f"é {number}"), Noted("again"))[: 1 + actor % 2]
                desk.submit(Address("wallet", f"u{actor}"), note(f"{number}", events=events))
            await desk.wait(4)
    rows = [json.loads(line) for line in postgres.run(EVENTS_SQL).splitlines()]
    expected = [
        leaf_of(number, at, Address(kind, key), name, bytes.fromhex(payload))
        for number, at, kind, key, name, payload in rows
    ]
    assert len(expected) == 18
    found: list[bytes] = []
    for line in postgres.run(LEAVES_SQL).splitlines():
        first, hashes = line.split()
        assert int(first) == len(found) + 1
        data = bytes.fromhex(hashes)
        found += [data[i : i + LEAF_BYTES] for i in range(0, len(data), LEAF_BYTES)]
    assert found == expected


def test_a_leaf_is_one_of_rfc_9162() -> None:
    """RFC 9162 2.1.1: SHA-256 over 0x00 and the entry; the entry has a length before each text."""
    entry = (
        (7).to_bytes(8)
        + (1_000).to_bytes(8)
        + bytes((0, 6, 0, 2, 0, 5))
        + b"walletu1Noted"
        + b"seal"
    )
    expected = hashlib.sha256(b"\x00" + entry).digest()
    assert leaf_of(7, 1_000, Address("wallet", "u1"), "Noted", b"seal") == expected


def test_no_two_events_share_their_bytes() -> None:
    """Where one text ends and the next begins is part of what is hashed."""
    one = leaf_of(1, 0, Address("ab", "c"), "d", b"")
    assert one != leaf_of(1, 0, Address("a", "bc"), "d", b"")
    assert one != leaf_of(1, 0, Address("ab", ""), "cd", b"")
