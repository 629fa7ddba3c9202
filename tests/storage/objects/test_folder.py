"""The encrypted folder of documents: whole or not at all, readable by nobody else, bounded.

Source: spec.md S12, S20, X13, X30; docs/adr/0036-documents-pass-the-actors-by.md.
"""

import hashlib
import itertools
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from comptoir.engine.objects import ObjectFacts, ObjectKey, UploadRefused
from comptoir.engine.values import Address
from comptoir.storage.objects.errors import ObjectMissing, ObjectsUnavailable, ObjectTampered
from comptoir.storage.objects.folder import FolderStore
from comptoir.storage.objects.sealed_file import (
    CHUNK_BYTES,
    HEAD_BYTES,
    OUTER_BYTES,
    TAG_BYTES,
    FileReader,
    FileWriter,
    stored_bytes,
)
from comptoir.storage.vault import KeysErased
from tests.storage.objects.conftest import MIB, NOW, Folder, key_of, put, terms_of

SEALED = CHUNK_BYTES + TAG_BYTES


async def read(store: FolderStore, key: ObjectKey) -> bytes:
    """All of an object."""
    async with store.read(key) as parts:
        return b"".join([part async for part in parts])


@pytest.mark.parametrize(
    "size", [1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES]
)
async def test_what_was_stored_is_read_again_and_its_facts_are_known(
    folder: Folder, store: FolderStore, size: int
) -> None:
    """S12, S20: at and around the ends of chunks, after a start too, an object is what it was."""
    data = os.urandom(size)
    digest = hashlib.sha256(data).hexdigest()
    assert await put(store, data, terms_of(size, digest)) == digest
    again = await folder.open()
    assert await again.facts(key_of()) == ObjectFacts(size, "application/pdf", digest)
    assert await read(again, key_of()) == data
    assert [one.stat().st_size for one in folder.files()] == [stored_bytes(size)]


async def test_a_listing_of_the_folder_tells_nothing(folder: Folder, store: FolderStore) -> None:
    """S20: neither what was stored nor whose it is stands in the folder, in names or in bytes."""
    data = b"RUE DE RIVOLI, PARIS; " * 4_000
    await put(store, data, terms_of(len(data), key=key_of("doc_dupont.pdf")))
    (file,) = folder.files()
    text = str(file).encode() + file.read_bytes()
    for word in (b"RIVOLI", b"ONB-2026-00001", b"IDENTITY", b"dupont", b"application/pdf"):
        assert word not in text
    assert (file.stat().st_mode & 0o777, folder.root.stat().st_mode & 0o777) == (0o600, 0o700)


Spoil = Callable[[bytes], bytes]
SPOILT: dict[str, Spoil] = {
    "a bit of a chunk": lambda x: x[:-100] + bytes((x[-100] ^ 1,)) + x[-99:],
    "the last chunk gone": lambda x: x[: HEAD_BYTES + 2 * SEALED],
    "the last byte gone": lambda x: x[:-1],
    "two chunks exchanged": lambda x: (
        x[:HEAD_BYTES] + x[HEAD_BYTES + SEALED : HEAD_BYTES + 2 * SEALED]
        + x[HEAD_BYTES : HEAD_BYTES + SEALED] + x[HEAD_BYTES + 2 * SEALED :]
    ),
    "a chunk twice": lambda x: x[: HEAD_BYTES + SEALED] + x[HEAD_BYTES : HEAD_BYTES + SEALED] + x[HEAD_BYTES + 2 * SEALED :],
    "a chunk left out": lambda x: x[:HEAD_BYTES] + x[HEAD_BYTES + SEALED :],
    "something added": lambda x: x + b"\0",
    "a bit of the head": lambda x: x[:100] + bytes((x[100] ^ 1,)) + x[101:],
    "a bit of the padding": lambda x: x[: OUTER_BYTES - 1] + b"\1" + x[OUTER_BYTES:],
    "a bit of the facts": lambda x: x[: HEAD_BYTES - 1] + bytes((x[HEAD_BYTES - 1] ^ 1,)) + x[HEAD_BYTES:],
    "another magic": lambda x: b"X" + x[1:],
    "half a head": lambda x: x[:300],
    "nothing": lambda _x: b"",
}  # fmt: skip


@pytest.mark.parametrize("how", SPOILT)
async def test_whatever_is_changed_is_noticed_before_it_is_given(
    folder: Folder, store: FolderStore, how: str
) -> None:
    """S20, design.md 7: changed, cut short, reordered, doubled, lengthened: an object does not open."""
    data = os.urandom(2 * CHUNK_BYTES + 1_000)
    await put(store, data, terms_of(len(data)))
    (file,) = folder.files()
    file.write_bytes(SPOILT[how](file.read_bytes()))
    with pytest.raises(ObjectTampered):
        await read(store, key_of())


async def test_a_file_in_the_place_of_another_does_not_open(
    folder: Folder, store: FolderStore
) -> None:
    """S20: one client's document put in the place of another's is no document of hers."""
    first, second = key_of("doc_1.pdf"), key_of("doc_2.pdf", owner="ONB-2026-00002")
    await put(store, b"one", terms_of(3, key=first))
    (mine,) = folder.files()
    await put(store, b"two", terms_of(3, key=second))
    (theirs,) = set(folder.files()) - {mine}
    mine.write_bytes(theirs.read_bytes())
    with pytest.raises(ObjectTampered):
        await store.facts(first)
    assert await read(store, second) == b"two"


async def test_an_address_is_used_once(folder: Folder, store: FolderStore) -> None:
    """S12: of two uploads to one address the first that ends is kept, whole; the other changes nothing."""
    terms = terms_of(3)
    async with store.receive(terms) as slow:
        await slow.write(b"slo")
        assert await put(store, b"one", terms) == hashlib.sha256(b"one").hexdigest()
        with pytest.raises(UploadRefused, match="UPLOAD_USED"):
            await slow.finish()
    assert await store.is_used(key_of())
    assert await put(store, b"two", terms) == "UPLOAD_USED"
    assert await read(store, key_of()) == b"one"
    assert len(folder.files()) == 1


async def test_what_is_not_exactly_that_leaves_nothing(folder: Folder, store: FolderStore) -> None:
    """S12: too long, too short, another digest: refused by name, and nothing lies there."""
    digest = hashlib.sha256(b"one").hexdigest()
    assert await put(store, b"four", terms_of(3)) == "UPLOAD_TOO_LONG"
    assert await put(store, b"on", terms_of(3)) == "UPLOAD_TOO_SHORT"
    assert await put(store, b"two", terms_of(3, digest)) == "UPLOAD_DIGEST_MISMATCH"
    assert folder.files() == []
    assert await store.facts(key_of()) is None
    assert await put(store, b"one", terms_of(3, digest)) == digest


async def test_an_upload_that_is_given_up_leaves_nothing(
    folder: Folder, store: FolderStore
) -> None:
    """S12: a caller that leaves in the middle leaves neither a file nor a claim on the room."""
    with trio.CancelScope() as scope:
        async with store.receive(terms_of(40 * MIB)) as incoming:
            await incoming.write(os.urandom(CHUNK_BYTES * 2))
            scope.cancel()
            await trio.lowlevel.checkpoint()
    assert folder.files() == []
    assert await put(store, os.urandom(MIB), terms_of(MIB)) != "UPLOAD_NO_ROOM"


async def test_a_start_removes_what_a_killed_daemon_was_writing(
    folder: Folder, store: FolderStore
) -> None:
    """S12: a draft is no object, and the next start does not keep it; what was there stays."""
    await put(store, b"one", terms_of(3))
    draft = folder.root / "drafts" / "0123"
    draft.write_bytes(b"half")
    again = await folder.open()
    assert not draft.exists()
    assert await read(again, key_of()) == b"one"


async def test_the_folder_takes_no_more_than_it_may(folder: Folder, store: FolderStore) -> None:
    """design.md 5: what is there and what is on its way are bounded together; what is deleted gives way,
    and a start counts what lies there.
    """
    folder.options = replace(folder.options, bytes_max=stored_bytes(MIB) * 2)
    store = await folder.open()
    names = [key_of(f"doc_{n}.pdf") for n in range(4)]
    data = os.urandom(MIB)
    await put(store, data, terms_of(MIB, key=names[0]))
    async with store.receive(terms_of(MIB, key=names[1])):
        assert await put(store, data, terms_of(MIB, key=names[2])) == "UPLOAD_NO_ROOM"
    await put(store, data, terms_of(MIB, key=names[1]))
    store = await folder.open()
    assert await put(store, data, terms_of(MIB, key=names[2])) == "UPLOAD_NO_ROOM"
    await store.delete(names[0])
    await store.delete(names[0])  # again is harmless, and gives no room twice
    await put(store, data, terms_of(MIB, key=names[2]))
    assert await put(store, data, terms_of(MIB, key=names[3])) == "UPLOAD_NO_ROOM"
    assert [await store.facts(one) is None for one in names] == [True, False, False, True]


async def test_the_disk_is_not_filled(folder: Folder) -> None:
    """design.md 5: the database may write on, on the same disk."""
    folder.options = replace(folder.options, disk_bytes_free_min=1 << 60)
    store = await folder.open()
    assert await put(store, b"one", terms_of(3)) == "UPLOAD_NO_ROOM"


async def test_whoever_is_erased_takes_their_documents_along(
    folder: Folder, store: FolderStore
) -> None:
    """X13: with the key of a file's person its documents are unreadable, in copies too; others are not."""
    other = key_of(owner="ONB-2026-00002")
    await put(store, b"one", terms_of(3))
    await put(store, b"two", terms_of(3, key=other))
    await folder.sealer.erase([Address("onboarding", "ONB-2026-00001")])
    with pytest.raises(KeysErased):
        await store.facts(key_of())
    assert await read(await folder.open(), other) == b"two"


async def test_a_missing_object_and_a_missing_disk_are_told_apart(
    folder: Folder, store: FolderStore
) -> None:
    """S20: nothing there is an answer; a folder that cannot be written is a fault of its own."""
    with pytest.raises(ObjectMissing):
        await read(store, key_of())
    (folder.root / "drafts").rmdir()
    with pytest.raises(ObjectsUnavailable):
        await put(store, b"one", terms_of(3))


async def test_an_address_holds_for_exactly_what_was_signed(store: FolderStore) -> None:
    """S12: method, key, type, size, digest and end are signed: change any, and it is nobody's."""
    terms = terms_of(3, hashlib.sha256(b"one").hexdigest())
    address = store.presign(terms, "https://docs.example", NOW)
    head, _, query = address.url.partition("?")
    path = head.removeprefix("https://docs.example")
    given_query = dict(pair.split("=") for pair in query.replace("%2F", "/").split("&"))
    assert path == "/uploads/onboarding-docs/ONB-2026-00001/IDENTITY/doc_1.pdf"
    assert store.judge(path, given_query) == terms
    others = {
        "type": "image/jpeg", "size": "4", "sha256": "00" * 32, "expires": "1760003601",
        "signature": "0" * 64, "more": "1",
    }  # fmt: skip
    for name, value in others.items():
        assert store.judge(path, {**given_query, name: value}) is None, name
    for name in given_query:
        assert store.judge(path, {k: v for k, v in given_query.items() if k != name}) is None, name
    for moved in ("doc_2.pdf", "../doc_1.pdf", "doc_1.pdf/", ""):
        assert store.judge(path.replace("doc_1.pdf", moved), given_query) is None, moved
    for odd in ("1" * 16, "٣", "-3", "3 "):
        assert store.judge(path, {**given_query, "size": odd}) is None, odd
    assert store.judge(path, {**given_query, "signature": "é" * 64}) is None


@given(data=st.binary(max_size=5_000), cuts=st.lists(st.integers(0, 5_000), max_size=6))
def test_how_it_is_cut_on_its_way_changes_nothing(
    data: bytes, cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """S20: the same bytes in any parts make the same object."""
    path: Path = tmp_path_factory.mktemp("cut") / "file"
    key = bytes(32)
    with path.open("wb") as file:
        writer = FileWriter(file, key, b"wrapped")
        edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        for start, end in itertools.pairwise(edges):
            writer.write(data[start:end])
        facts = writer.finish("application/pdf")
    assert facts.sha256 == hashlib.sha256(data).hexdigest()
    with path.open("rb") as file:
        reader = FileReader(file, lambda _wrapped: key)
        parts: list[bytes] = []
        while (part := reader.read()) is not None:
            parts.append(part)
    assert (b"".join(parts), reader.facts) == (data, facts)
