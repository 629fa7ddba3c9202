"""From a file that changes to a case that is held: lists, cases and the child that searches, in one engine (S21, S27)."""

from pathlib import Path

from comptoir.actors.kyc.messages import (
    AssessClient,
    CaseDescribed,
    DescribeCase,
    DocumentsJudged,
    Party,
    PostalAddress,
)
from comptoir.actors.watch_list.messages import DescribeList, KeepList, ListDescribed, ReloadList
from comptoir.engine import Address
from comptoir.engine.boot import memory_engine
from comptoir.engine.engine import Engine
from comptoir.engine.settings import Settings
from comptoir.engine.settings.screening import WatchList

OWN = Address("watch_list", "own")
HEADER = "id,schema,name,aliases,birth_date,countries,gender,topics\n"
NOBODY = "e1,Person,Zéphyrin Nullepart,,1931,,,sanction\n"
LISTED = "e2,Person,Ottoline Quillfeather,,1980-05-15,fr,,sanction\n"
CLIENTS = ("Marie Tremblay", "Ottoline Quillfeather", "Jean Dupont")


def _assessment(name: str) -> AssessClient:
    first, last = name.split()
    client = Party("client", "client", "Person", first, last, "1980-05-15", "FR", "FR")
    return AssessClient(
        1, "INDIVIDUAL", f"u-{last}", "advisor-1", "c@example.org", "+33639980000", (client,), PostalAddress(),
        DocumentsJudged(valid=True),
    )  # fmt: skip


async def _settle(engine: Engine) -> None:
    """Until nothing is due, some seconds later: pages are told at a pace."""
    for _ in range(4):
        assert await engine.quiesce(60)
        await engine.advance_clock(6)
    assert await engine.quiesce(60)


async def _hits(engine: Engine, name: str) -> list[str]:
    reply = (await engine.ask(Address("kyc", name), DescribeCase())).reply
    assert isinstance(reply, CaseDescribed)
    assert "screening" not in " ".join(reply.waits_for)
    return [str(hit["entryId"]) for hit in reply.hits]


async def test_a_list_that_changes_finds_a_client_of_yesterday(tmp_path: Path) -> None:
    """S21, S27: cases that were assessed before are searched for again when their list has another version; who is on it
    now is found, the others are not, and the list says that all were told.
    """
    source = tmp_path / "own.csv"
    source.write_text(HEADER + NOBODY)
    settings = Settings().having({
        ("clock", "mode"): "manual",
        ("storage", "data_dir"): tmp_path / "data",
        ("screening", "lists"): (WatchList("own", source),),
    })  # fmt: skip
    (tmp_path / "data").mkdir()
    async with memory_engine(settings) as engine:
        await engine.ask(OWN, KeepList())
        await _settle(engine)
        for name in CLIENTS:
            await engine.ask(Address("kyc", name), _assessment(name))
        await _settle(engine)
        assert [await _hits(engine, name) for name in CLIENTS] == [[], [], []]

        source.write_text(HEADER + NOBODY + LISTED)
        await engine.ask(OWN, ReloadList("clara"))
        await _settle(engine)
        assert [await _hits(engine, name) for name in CLIENTS] == [[], ["e2"], []]
        shown = (await engine.ask(OWN, DescribeList())).reply
    assert isinstance(shown, ListDescribed)
    assert (shown.status, shown.entries) == ("ready", 2)
    assert shown.rescreening is not None
    assert (shown.rescreening.done, shown.rescreening.of) == (3, 3)
    assert shown.rescreening.until > 0
