"""People who pay by files, and their bank, as the contract tests see them (interface.md 7 and 10).

Rule: everything goes over sockets. The treasurer downloads and uploads; the sandbox's bank reads by itself.
"""

import json
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Any

from comptoir.engine.testing import Answered, Process
from tests.contract.letters import Somebody
from tests.contract.saving import BARE, DAY_S, SETTLEMENT_DAYS, Saver, started

__all__ = ["BATCHES", "REPORTS", "House", "by_files"]

Start = Callable[..., Process]
Json = dict[str, Any]
BATCHES = "/api/v1/payouts/batches"
REPORTS = "/api/v1/payouts/reports"
FRESH_S = 120.0
"""Of wall time, as tokens are: approving wants a sign-in of the last five minutes."""


def by_files(start: Start, sandbox: Process, **more: str) -> Process:
    """A daemon whose withdrawals are paid by batches."""
    return started(
        start,
        sandbox,
        COMPTOIR_WITHDRAWALS__PAYOUT="pain001",
        COMPTOIR_PAYOUTS__DEBTOR_NAME="REWAPP SAS",
        COMPTOIR_PAYOUTS__DEBTOR_IBAN=BARE,
        COMPTOIR_PAYOUTS__DEBTOR_BIC="PSSTFRPPXXX",
        **more,
    )


class House:
    """Whoever pays: one who closes, one who approves, and their bank."""

    def __init__(self, daemon: Process, sandbox: Process) -> None:
        self.daemon, self.sandbox = daemon, sandbox
        self._known: dict[tuple[str, str], tuple[float, Somebody]] = {}

    @property
    def maker(self) -> Somebody:
        """Who closes batches."""
        return self.person("max")

    @property
    def checker(self) -> Somebody:
        """Who approves them."""
        return self.person("eva")

    @property
    def admin(self) -> Somebody:
        """Who keeps rights."""
        return self.person("ada", "ADMIN")

    def person(self, name: str, role: str = "OPERATIONS") -> Somebody:
        """Somebody of the house who has signed in, recently enough to approve."""
        at, found = self._known.get((name, role), (-FRESH_S, None))
        if found is None or monotonic() - at > FRESH_S:
            found = Somebody.of(self.daemon, name, role)
            self._known[name, role] = monotonic(), found
        return found

    def batches(self) -> list[Json]:
        """All of them, the newest first."""
        found: list[Json] = self.checker.got(f"{BATCHES}?limit=100")["items"]
        return found

    def open_batch(self) -> Json:
        """The one that is open."""
        (found,) = [one for one in self.batches() if one["status"] == "open"]
        return found

    def batch(self, name: str) -> Json:
        """One of them."""
        found: Json = self.checker.got(f"{BATCHES}/{name}")["batch"]
        return found

    def rows(self, name: str) -> list[Json]:
        """Whom it pays."""
        found: list[Json] = self.checker.got(f"{BATCHES}/{name}?limit=200")["items"]
        return found

    def acts(self, who: Somebody, name: str, act: str, body: Json | None = None) -> Answered:
        """Close, approve or reject."""
        return who.ask("POST", f"{BATCHES}/{name}/{act}", body)

    def quiet(self) -> None:
        """Everything that is due was done."""
        assert self.daemon.post("/dev/v1/quiesce", {}).status == 200

    def closes(self) -> str:
        """The open batch is closed by hand, and waits for its approval."""
        name = str(self.open_batch()["batchId"])
        assert self.acts(self.maker, name, "close").status == 200
        self.quiet()
        assert self.batch(name)["status"] == "awaiting_approval"
        return name

    def approves(self, name: str) -> Json:
        """By the other one."""
        answer = self.acts(self.checker, name, "approve")
        assert answer.status == 200, answer
        self.quiet()
        found: Json = answer.json()
        return found

    def file(self, name: str) -> Answered:
        """The file, for the bank."""
        return self.checker.ask("GET", f"{BATCHES}/{name}/pain001")

    def submits(self, name: str) -> Json:
        """The bank has it, and says how it reads it."""
        document = self.file(name)
        assert document.status == 200, document
        answer = self.sandbox.request("POST", "/control/filebank/submit", document.body)
        assert answer.status == 200, answer
        found: Json = answer.json()
        return found

    def pays(self) -> str:
        """Closed, approved, submitted."""
        name = self.closes()
        self.approves(name)
        assert self.submits(name)["faults"] == []
        return name

    def said(self, kind: str, name: str, **wanted: Any) -> bytes:
        """A file of the bank's: `status` or `statement`."""
        answer = self.sandbox.post(f"/control/filebank/{kind}", {"messageId": name, **wanted})
        assert answer.status == 200, answer
        return bytes(answer.body)

    def brings(self, document: bytes, who: Somebody | None = None) -> Answered:
        """A report is read back."""
        headers = {
            "Authorization": f"Bearer {(who or self.checker).token}",
            "Content-Type": "application/xml",
        }
        answer = self.daemon.request("POST", REPORTS, document, headers)
        self.quiet()
        return answer

    def told(self, kind: str, name: str, **wanted: Any) -> Json:
        """The bank says something, and it is read back."""
        answer = self.brings(self.said(kind, name, **wanted))
        assert answer.status == 200, answer
        found: Json = answer.json()
        return found

    def letters(self) -> list[Json]:
        """What waits in dlq:withdrawals."""
        return self.checker.listed(queue="dlq:withdrawals")

    def later(self, seconds: float) -> None:
        """Time goes by for both."""
        for process, path in ((self.sandbox, "/control/clock"), (self.daemon, "/dev/v1/clock")):
            assert process.post(path, {"advanceSeconds": int(seconds)}).status == 200
        self.quiet()

    def now(self) -> datetime:
        """What time it is for the daemon."""
        answer = self.daemon.post("/dev/v1/clock", {"advanceSeconds": 0}).json()
        return datetime.fromisoformat(answer["now"])

    def until(self, moment: str) -> None:
        """The time is this moment."""
        self.later((datetime.fromisoformat(moment) - self.now()).total_seconds() + 1)

    def queued(self, *savers: Saver, points: int = 950) -> list[str]:
        """Withdrawals that wait in one open batch."""
        names = [saver.withdraws(points) for saver in savers]
        self.later(SETTLEMENT_DAYS * DAY_S + 1)
        return names


def spelled(value: object) -> str:
    """As JSON, to look for what must not be in it."""
    return json.dumps(value)
