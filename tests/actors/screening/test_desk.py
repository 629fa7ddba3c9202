"""The lists of a daemon: what is searched, and how another version takes its place (actors/screening/desk.py)."""

import os
import signal
from contextlib import aclosing, suppress
from pathlib import Path

import pytest
import trio

from comptoir.actors.gateways.list_messages import LoadList
from comptoir.actors.screening.desk import ListDesk, ListRefused, Loaded, Searched
from comptoir.actors.screening.entries import Entry
from comptoir.actors.screening.evidence import Subject
from comptoir.actors.screening.index import build_index
from comptoir.actors.screening.loading import Said
from comptoir.actors.screening.process import ScreeningUnavailable

HEADER = "id,schema,name,aliases,birth_date,countries,gender,topics\n"
ONE = "e1,Person,Ivan Sorokin,,1961-02-03,ru,male,sanction\n"
TWO = "e2,Person,Ada Quillfeather,,1970-01-01,,female,role.pep\n"
IVAN, ADA = Subject(("Ivan Sorokin",)), Subject(("Ada Quillfeather",))


async def test_versions_follow_one_another(tmp_path: Path) -> None:
    """S21, S27: what is answered names the versions that were searched, between two searches one follows the other; a
    bad list leaves the one before; a version that was committed is there again at the next start, and one that is
    missing clears nobody.
    """
    source, folder = tmp_path / "own.csv", tmp_path / "lists"
    source.write_text(HEADER + ONE)
    async with aclosing(ListDesk({"own": source}, folder)) as desk:
        await desk.open({})
        first, second = await _two_versions(desk, source)
    kept = {path.name for path in folder.iterdir()}
    assert kept == {f"own.{one}.idx" for one in (first.version, second.version)}

    async with aclosing(ListDesk({"own": source}, folder)) as again:
        await again.open({"own": first.version})  # it was killed before the second was committed
        assert (await again.search("Person", ADA)).hits == ()
    lost = ListDesk({"own": source}, folder)
    await lost.open({"own": "f" * 64})
    with pytest.raises(ScreeningUnavailable):
        await lost.search("Person", ADA)


async def test_an_index_is_taken_as_it_is_and_a_folder_that_is_gone_refused(tmp_path: Path) -> None:
    """S21: `comptoir lists build` may have made it elsewhere; what is not there is refused, by name."""
    index = tmp_path / "made.idx"
    build_index([Entry("e1", "Person", ("Ivan Sorokin",))], index)
    sources = {"made": index, "gone": tmp_path / "gone"}
    async with aclosing(ListDesk(sources, tmp_path / "lists")) as desk:
        await desk.open({})
        loaded = await desk.load(LoadList("made", "", ""))
        assert loaded is not None
        with pytest.raises(ListRefused, match="LIST_UNREADABLE"):
            await desk.load(LoadList("gone", "", ""))
        with pytest.raises(ScreeningUnavailable):  # half of the lists clear nobody
            await desk.search("Person", IVAN)
        sources["gone"].write_text(HEADER + TWO)
        answers: list[Searched] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_search_at_last, desk, answers)
            assert await desk.load(LoadList("gone", "", "")) is not None
        assert [answer.versions.keys() for answer in answers] == [sources.keys()]
        index.unlink()
        index.write_bytes(b"COMPTOIR-LIST-1\nshort")
        with pytest.raises(ListRefused, match="LIST_INVALID"):
            await desk.load(LoadList("made", loaded.version, loaded.look))


async def test_a_reader_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    """S27: it is lost, not wrong, and what it began is gone with the next reading."""
    pipe, folder = tmp_path / "own.csv", tmp_path / "lists"
    os.mkfifo(pipe)
    async with aclosing(ListDesk({"own": pipe}, folder)) as desk:
        await desk.open({})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_kill_reader, desk)
            with pytest.raises(ScreeningUnavailable):
                await desk.load(LoadList("own", "", ""))
        (folder / ".own.left").touch()
        pipe.unlink()
        pipe.write_text(HEADER + ONE)
        loaded = await desk.load(LoadList("own", "", ""))
        assert loaded is not None
        assert [path.suffix for path in folder.iterdir()] == [".idx"]


class Hurried(ListDesk):
    """Its file is written on while it is read."""

    async def _read(self, name: str, source: Path) -> Said:
        """Read it, and write a line more."""
        said = await super()._read(name, source)
        source.write_text(source.read_text() + TWO)
        return said


async def test_a_list_that_somebody_writes_is_left(tmp_path: Path) -> None:
    """S27: half of a list lets somebody through; what is shorter by more than half is taken when somebody says so."""
    source = tmp_path / "own.csv"
    source.write_text(HEADER + ONE)
    async with aclosing(Hurried({"own": source}, tmp_path / "lists")) as desk:
        await desk.open({})
        with pytest.raises(ListRefused, match="LIST_CHANGING"):
            await desk.load(LoadList("own", "", ""))
        assert not desk.is_whole
    async with aclosing(ListDesk({"own": source}, tmp_path / "lists")) as desk:
        await desk.open({})
        loaded = await desk.load(LoadList("own", "", ""))
        assert loaded is not None
        source.write_text(HEADER)
        with pytest.raises(ListRefused, match="LIST_SHRUNK"):
            await desk.load(LoadList("own", loaded.version, loaded.look))
        emptied = await desk.load(LoadList("own", loaded.version, loaded.look, anyway=True))
        assert emptied is not None
        assert emptied.entries == 0


async def _two_versions(desk: ListDesk, source: Path) -> tuple[Loaded, Loaded]:
    """Load a list, break it, and load another version of it."""
    with pytest.raises(ScreeningUnavailable):
        await desk.search("Person", IVAN)
    first = await desk.load(LoadList("own", "", ""))
    assert first is not None
    assert (first.entries, first.names) == (1, 1)
    found = await desk.search("Person", IVAN)
    assert [(hit.list, hit.id, hit.aliases) for hit in found.hits] == [
        ("own", "e1", ("Ivan Sorokin",))
    ]
    assert len(found.hits[0].fingerprint) == 64
    assert found.versions == {"own": first.version}
    assert await desk.load(LoadList("own", first.version, first.look)) is None
    same = await desk.load(LoadList("own", first.version, ""))
    assert same == first, "read again, and the same"

    source.write_text(HEADER + ONE + "e2,Person\n")
    with pytest.raises(ListRefused, match="LIST_INVALID") as refused:
        await desk.load(LoadList("own", first.version, first.look))
    assert "line 3" in refused.value.detail
    assert (await desk.search("Person", IVAN)).versions == {"own": first.version}

    source.write_text(HEADER + ONE + TWO)
    versions: list[str] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_search_on, desk, versions)
        second = await desk.load(LoadList("own", first.version, first.look))
    assert second is not None
    assert versions == sorted(versions, key=[first.version, second.version].index)
    found = await desk.search("Person", ADA)
    assert (found.hits[0].id, found.versions) == ("e2", {"own": second.version})
    return first, second


async def _search_on(desk: ListDesk, versions: list[str]) -> None:
    """Search until another version answers."""
    while len(set(versions)) <= 1:
        versions.append((await desk.search("Person", IVAN)).versions["own"])


async def _search_at_last(desk: ListDesk, answers: list[Searched]) -> None:
    """Search until there is an answer."""
    while not answers:
        with suppress(ScreeningUnavailable):
            answers.append(await desk.search("Person", IVAN))
        await trio.sleep(0.001)


async def _kill_reader(desk: ListDesk) -> None:
    while desk.reader is None:  # noqa: ASYNC110 - a process sets no event
        await trio.sleep(0.01)
    os.kill(desk.reader, signal.SIGKILL)
