"""The third flow by files under every fault script that it meets: nobody is paid twice, no points are lost.

The same story each time: two people withdraw, their batch is signed by two others, the bank has the file, rejects one
transfer and books the other. Meanwhile a party does to the daemon what the sandbox can do, a report comes as none
should, or the daemon is killed. Which scripts meet this flow, and which cannot, is in docs/payouts.md.

Source: issue 7, "must show"; interface.md 7 and 10; spec.md S44, S46, S50, S63 to S65, X26, X27, E14, E18.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import eventually, purchase
from tests.contract.paying import House, by_files
from tests.contract.saving import BARE, DAY_S, Saver
from tests.contract.test_conventions import is_problem
from tests.contract.told import put_faults

Start = Callable[..., Process]
Json = dict[str, Any]
POINTS = 950
EUROS = 4_000
"""Of which 5 % are points for all stories."""
OVERDUE_S = 22 * DAY_S
FAILED, PAID = "The transfer failed", f"{POINTS} points were paid out"
CALLS: tuple[Json, ...] = (
    {"fault": "timeout", "ms": 60_000},
    {"fault": "latency", "ms": 100},
    {"fault": "status", "status": 503},
    {"fault": "status", "status": 429},
    {"fault": "status", "status": 422},
    {"fault": "drop_after_effect"},
)
HOOKS: tuple[Json, ...] = (
    {"fault": "duplicate"},
    {"fault": "replay"},
    {"fault": "lost"},
    {"fault": "late", "ms": 600_000},
    {"fault": "wrong_clock", "ms": 600_000},
    {"fault": "forged"},
)
EARNED = 2 * 500
"""By those of them that arrive: 5 % of 100.00, once each."""
ASKED = ("vop", "fcm", "sendgrid", "brevo")
"""All that the daemon calls in this flow."""


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """The bank, the banks' gateway, and whoever carries notices."""
    made = comptoir_sandbox_shared()
    items = {"items": [{"iban": BARE, "names": ["Ada Lovelace"]}]}
    assert made.request("PUT", "/control/vop/holders", json.dumps(items).encode()).status == 200
    return made


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon that pays by files, has payees checked, and tells people."""
    return by_files(
        comptoir_daemon_shared,
        sandbox,
        COMPTOIR_PROVIDERS__VOP__BASE_URL=f"{sandbox.url}/vop",
        COMPTOIR_PROVIDERS__VOP__AGENT_BIC="PSSTFRPPXXX",
        COMPTOIR_PROVIDERS__VOP__TIMEOUT_S="1",
        COMPTOIR_PROVIDERS__FCM__TIMEOUT_S="1",
        COMPTOIR_PROVIDERS__SENDGRID__BASE_URL=sandbox.url,
        COMPTOIR_PROVIDERS__SENDGRID__TIMEOUT_S="1",
        COMPTOIR_PROVIDERS__BREVO__BASE_URL=sandbox.url,
        COMPTOIR_BREAKERS__DEFAULT__ERRORS="1000",  # one story's faults are not the next one's
        COMPTOIR_BREAKERS__NOTIFICATIONS__ERRORS="1000",
    )


class Story:
    """Two people who withdraw, those who pay, and what was there before."""

    def __init__(self, daemon: Process, sandbox: Process) -> None:
        self.house = House(daemon, sandbox)
        self.phoned = Saver(daemon, sandbox, EUROS)
        self.written = Saver(daemon, sandbox, EUROS)
        self.mail = f"{self.written.customer.mark}@example.org"
        self._by_mail_alone()
        self.begins()

    def _by_mail_alone(self) -> None:
        """The second one has no device any more, and has shown that an address is theirs."""
        ask = self.written.person.ask
        assert ask("DELETE", "/api/v1/devices/phone").status in (200, 204)
        contact = "/api/v1/me/contacts/mail"
        assert ask("PUT", contact, {"address": self.mail}).status == 202
        self.house.quiet()
        (code,) = re.findall(r"\b\d{6}\b", self.mails()[-1])
        assert ask("POST", f"{contact}/confirm", {"code": code}).status == 200

    def begins(self) -> None:
        """What is there before this story."""
        self.names: list[str] = []
        self.had = [one.balance() for one in (self.phoned, self.written)]
        self.known = len(self.phoned.pushes()), len(self.mails()), self.letters()

    def mails(self) -> list[str]:
        """What came to the address."""
        path = f"/control/inbox?channel=mail&to={self.mail}"
        items: list[Json] = self.house.sandbox.get(path).json()["items"]
        return [str(one["body"]) for one in items]

    @property
    def savers(self) -> tuple[Saver, Saver]:
        """Whose transfer is rejected, and whose is booked."""
        return self.phoned, self.written

    def references(self) -> list[str]:
        """Of both."""
        return [
            one.shown(name)["reference"] for one, name in zip(self.savers, self.names, strict=True)
        ]

    def statuses(self) -> list[str]:
        """Of both."""
        return [
            one.shown(name)["status"] for one, name in zip(self.savers, self.names, strict=True)
        ]

    def signed(self) -> str:
        """Both have withdrawn, a batch was closed by its cut-off, signed by two, and taken to the bank."""
        house = self.house
        self.names = house.queued(*self.savers, points=POINTS)
        batch = house.open_batch()
        name = str(batch["batchId"])
        house.until(batch["cutOffAt"])
        assert house.acts(house.maker, name, "approve").json()["releasedBy"] == "max"
        is_problem(house.acts(house.maker, name, "approve"), 403, "FOUR_EYES")
        house.approves(name)
        read = house.submits(name)
        assert (read["faults"], read["sumCents"]) == ([], 2 * POINTS)
        assert self.statuses() == ["processing", "processing"]
        return name

    def said(self, batch: str) -> tuple[bytes, bytes]:
        """The bank's two files: one transfer is rejected, the other was booked."""
        first, second = self.references()
        return (
            self.house.said("status", batch, reject={first: "AC04"}),
            self.house.said("statement", batch, references=[second]),
        )

    def ends(self, *, told: bool = True) -> None:
        """Once each: points of the one are there again, the other one's are paid out; both are told, or a letter says
        of each that they were not.
        """
        assert self.statuses() == ["failed", "completed"]
        (again, paid) = [one.balance() for one in self.savers]
        assert again == self.had[0]
        assert paid == (self.had[1][0] - POINTS, *self.had[1][1:])
        if told:
            eventually(self._both_are_told, 60)
        silent = 0 if told else len(self.savers)
        assert self.letters() == (self.known[2][0], self.known[2][1] + silent)

    def letters(self) -> tuple[int, int]:
        """Dead letters about withdrawals, and about notices."""
        listed = self.house.checker.listed
        return len(self.house.letters()), len(listed(queue="dlq:notifications"))

    def _both_are_told(self) -> bool:
        """Time goes by meanwhile, so that what is tried again falls due."""
        pushes, mails, _ = self.known
        told = (
            any(FAILED in one for one in self.phoned.pushes()[pushes:]),
            any(PAID in one for one in self.mails()[mails:]),
        )
        if not all(told):
            self.house.later(5)
        return all(told)


@pytest.fixture(scope="module")
def two(daemon: Process, sandbox: Process) -> Story:
    """The same two people in every story."""
    return Story(daemon, sandbox)


@pytest.fixture
def story(two: Story, sandbox: Process) -> Iterator[Story]:
    """No fault outlives its test."""
    put_faults(sandbox)
    two.begins()
    yield two
    put_faults(sandbox)


@pytest.mark.parametrize("fault", CALLS, ids=lambda one: "-".join(map(str, one.values())))
def test_whatever_a_party_does(story: Story, sandbox: Process, fault: Json) -> None:
    """S44, S50, S63, S65, E18: the payee's check, the push and the mail fail, whoever carries it; the file does not wait,
    and a notice that is refused for good (422) is a dead letter that blocks nothing.
    """
    both = len(story.savers)
    scripts = ({"party": party, "count": both if party == "vop" else 1, **fault} for party in ASKED)
    put_faults(sandbox, *scripts)
    batch = story.signed()
    checks = {
        one.shown(name)["payeeCheck"] for one, name in zip(story.savers, story.names, strict=True)
    }
    assert checks == ({"match"} if fault["fault"] == "latency" else {"unavailable"})
    for document in story.said(batch):
        assert story.house.brings(document).status == 200
    story.ends(told=fault.get("status") != 422)
    fired = {one["party"]: one["fired"] for one in sandbox.get("/control/faults").json()["faults"]}
    assert min(fired["vop"], fired["fcm"], fired["sendgrid"] + fired["brevo"]) >= 1, fired


def _doubled(story: Story, batch: str) -> None:
    """Each of the bank's files three times, and under another id as well."""
    rejected, booked = story.said(batch)
    for document in (rejected, booked, rejected, booked, *story.said(batch), rejected):
        assert story.house.brings(document).status == 200


def _reordered(story: Story, batch: str) -> None:
    """What was booked before what was rejected, and what was taken in last of all."""
    taken = story.house.said("status", batch, status="ACTC", level="group")
    accepted = story.house.said("status", batch, status="ACSP", references=story.references()[1:])
    rejected, booked = story.said(batch)
    for document in (booked, rejected, accepted, taken):
        assert story.house.brings(document).status == 200


def _late(story: Story, batch: str) -> None:
    """Three weeks later: both are overdue by then, and nobody has their points again before the bank has spoken."""
    documents = story.said(batch)
    story.house.later(OVERDUE_S)
    assert story.statuses() == ["processing", "processing"]
    for one, name in zip(story.savers, story.names, strict=True):
        assert one.shown(name)["overdueSince"] is not None
    for document in documents:
        assert story.house.brings(document).status == 200


def _cut(story: Story, batch: str) -> None:
    """Cut off anywhere it says nothing; whole it does, also under the id of the one that was cut."""
    documents = [one.rstrip() for one in story.said(batch)]
    for document in documents:
        for size in (1, len(document) // 3, len(document) * 2 // 3, len(document) - 1):
            is_problem(story.house.brings(document[:size]), 422, "REPORT_MALFORMED")
    assert story.statuses() == ["processing", "processing"]
    for document in documents:
        assert story.house.brings(document).status == 200


@pytest.mark.parametrize("comes", [_doubled, _reordered, _late, _cut], ids=lambda one: one.__name__)
def test_however_a_report_comes(story: Story, comes: Callable[[Story, str], None]) -> None:
    """X26, X27: doubled, in another order, late, cut: each word counts once, and the end is the same."""
    comes(story, story.signed())
    story.ends()


def test_whatever_becomes_of_webhooks(story: Story, sandbox: Process) -> None:
    """S50, S52 to S55, X16: purchases that are told of meanwhile, doubled, replayed, lost, late or forged, earn once or
    not at all, and touch no withdrawal that is under way.
    """
    batch = story.signed()
    saver = story.written
    target = {
        "target": f"{story.house.daemon.url}/webhooks/banking",
        "secret": saver.customer.secret,
    }
    for fault in HOOKS:
        put_faults(sandbox, {"party": "seed", "operation": "webhooks.send", "count": 1, **fault})
        body = purchase(
            saver.customer.name("tx"), saver.card.connection_id, merchant={"name": saver.card.label}
        )
        assert sandbox.post("/control/webhooks", {**target, "body": body}).status == 200
    story.house.quiet()
    story.had[1] = (story.had[1][0] + EARNED, *story.had[1][1:])
    for document in story.said(batch):
        assert story.house.brings(document).status == 200
    story.ends()


def test_killed_between_the_two_signatures(story: Story) -> None:
    """S50, X26, E14: by SIGKILL after the cut-off, after each signature and after each report: asked
    again, the next daemon goes on, and still wants another person.
    """
    house = story.house

    def killed() -> None:
        house.daemon.kill()
        house.daemon.start()
        house.quiet()

    story.names = house.queued(*story.savers, points=POINTS)
    batch = house.open_batch()
    name = str(batch["batchId"])
    house.until(batch["cutOffAt"])
    killed()
    assert house.batch(name)["releasedBy"] is None
    assert house.acts(house.maker, name, "approve").status == 200
    killed()
    assert house.batch(name)["releasedBy"] == "max"
    is_problem(house.acts(house.maker, name, "approve"), 403, "FOUR_EYES")
    digest = house.acts(house.checker, name, "approve").json()["digest"]
    killed()
    assert house.acts(house.checker, name, "approve").json()["digest"] == digest
    assert house.submits(name)["faults"] == []
    for document in story.said(name):
        assert house.brings(document).status == 200
        killed()
        assert house.brings(document).status == 200
    story.ends()
