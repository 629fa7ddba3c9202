"""The third flow by files, with SIGKILL after each of its steps: nobody is paid twice, and nothing is lost.

Source: issue 7, "must show"; spec.md S50, X26, X27, E14; interface.md 7 and 10; design.md 9 (invariants 1 and 2).
"""

from collections.abc import Callable

from comptoir.engine.testing import Process
from tests.contract.paying import House, by_files
from tests.contract.saving import DAY_S, SETTLEMENT_DAYS, Saver

Start = Callable[..., Process]


def test_killed_after_every_step(comptoir_daemon: Start, comptoir_sandbox: Start) -> None:
    """S50, X26, X27: asked, queued, closed, approved, downloaded, reported: each is asked again of the next daemon,
    which goes on where the other ended.
    """
    sandbox = comptoir_sandbox()
    daemon = by_files(comptoir_daemon, sandbox)
    house = House(daemon, sandbox)
    savers = [Saver(daemon, sandbox) for _ in range(2)]

    def killed() -> None:
        daemon.kill()
        daemon.start()

    names = [saver.withdraws() for saver in savers]
    killed()
    house.later(SETTLEMENT_DAYS * DAY_S + 1)
    killed()
    name = str(house.open_batch()["batchId"])
    assert house.open_batch()["transfers"] == 2
    # The answer may be lost with the daemon; what was done is done once.
    assert house.acts(house.maker, name, "close").status == 200
    killed()
    house.quiet()
    assert house.batch(name)["status"] == "awaiting_approval"
    signed = house.acts(house.checker, name, "approve").json()["digest"]
    killed()
    assert house.acts(house.checker, name, "approve").json()["digest"] == signed
    read = house.submits(name)
    killed()
    again = house.submits(name)
    assert again["faults"] == ["AM05: a file of this MsgId was taken before"]
    assert again["transfers"] == read["transfers"]
    references = [saver.shown(one)["reference"] for saver, one in zip(savers, names, strict=True)]
    rejected = house.said("status", name, reject={references[0]: "AC04"})
    booked = house.said("statement", name, references=references[1:])
    for document in (booked, rejected, booked, rejected):
        assert house.brings(document).status == 200
        killed()
        house.quiet()
    shown = [saver.shown(one)["status"] for saver, one in zip(savers, names, strict=True)]
    assert shown == ["failed", "completed"]
    assert [saver.balance() for saver in savers] == [(1000, 0, 0), (50, 0, 0)]
    assert house.letters() == []
