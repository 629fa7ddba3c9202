"""What every scene of crash_cases.py is, and those of asking, telling and keeping.

An act prepares, waits to be told that its trap is set, triggers, and verifies. What it uses (actors,
references, users' keys) carries the number of its cell, so cells of one database do not meet.

Rule: `verify` does first what whoever was not answered would do: ask again, under the same key.
Source: issue 3, deliver 2; design.md 9.
"""

import json
import threading
from typing import Any, ClassVar

from comptoir.engine.testing import Answered
from comptoir.storage.migrate import LOCK_MIGRATE
from tests.durability.crash_cases import SCENES, Case
from tests.durability.sites import Statement, find_statements
from tests.durability.stage import HERE, Life, Stage, wait_for

STATEMENTS = find_statements(HERE.parents[1])
WATCHDOG_SECONDS = 60.0
"""Beyond any watchdog, and any chain of retries, of business time."""
POINTS = 100
SELDOM_DAYS = 40


def webhook(name: str, **fields: str) -> bytes:
    """A purchase of 10.00 EUR, worth `POINTS`."""
    data = {
        "transaction_id": name,
        "connection_id": "cn-1",
        "account_id": "a",
        "amount": 10.0,
        "currency": "EUR",
        "direction": "DEBIT",
        "date": "2026-11-20",
        "merchant": {"name": "MAISON ESSAI"},
        **fields,
    }
    return json.dumps({"event": "transaction.created", "data": data}).encode()


def refund_of(name: str) -> bytes:
    """A refund that names its purchase."""
    return webhook(f"refund-{name}", direction="CREDIT", original_transaction_id=name)


class Act:
    """One site's scene, for one cell."""

    KIND = "toy"
    """For submit sites: of the actor or gateway whose run it is."""

    def __init__(self, stage: Stage, site: str) -> None:
        stage.number += 1
        self.stage = stage
        self.site = site
        self.name = f"n{stage.number}"
        self.order = 0
        """Number of the order that triggered it, if it was one."""

    @property
    def victim(self) -> Life:
        """Whom it happens to."""
        return self.stage.life

    def prepare(self) -> None:
        """Before the trap is set."""
        self.stage.serving()

    @property
    def statement(self) -> Statement:
        """What is sent."""
        return STATEMENTS.get(self.site) or STATEMENTS["COMMIT_SQL"]

    def wanted(self, sql: str, application: str) -> bool:
        """Whether this is the statement, and it is sent for this site."""
        if not self.statement.matches(sql):
            return False
        return self.site in STATEMENTS or self.stage.is_submitted_by(f"{self.site} {self.KIND}")

    def is_answer(self, note: dict[str, Any]) -> bool:
        """Whether a note tells that the statement was answered."""
        return self.statement.matches(note.get("got", ""))

    def trigger(self) -> None:
        """Have the statement sent; do not wait for it."""
        raise NotImplementedError

    def unblock(self) -> None:
        """Let a statement that waits by itself go on."""

    def block(self) -> None:
        """Have the statement wait inside the database."""
        lock = SCENES[self.site].lock
        if lock:
            filled = lock.format(name=self.name, migrations=LOCK_MIGRATE)
            self.stage.sql.run(f"begin; {filled}")

    def free(self) -> None:
        """Undo `block`."""
        if SCENES[self.site].lock:
            self.stage.sql.run("rollback")

    def verify(self, case: Case) -> None:
        """What must be true in the end."""
        raise NotImplementedError

    def ask(self, **message: Any) -> None:
        """Trigger by an ask of the cell's own toy."""
        self.order = self.victim.order("ask", key=self.name, message={"label": "do", **message})

    def again(self, case: Case, do: str, **values: Any) -> None:
        """Give the order once more, unless it was answered well; a daemon that lives answers."""
        if self.order and case in (Case.CUT, Case.BACKEND):
            self.victim.answer(self.order)
        elif not self.order or not self.victim.acknowledged(self.order):
            self.stage.serving().run(do, **values)

    def send(self, kind: str, *references: str) -> dict[str, Any]:
        """Fields of a message: calls of a party."""
        calls = [{"type": "Call", "reference": reference} for reference in references]
        return {"send": [{"kind": kind, "key": "", "what": call} for call in calls]}

    def dead(self, key: str) -> int:
        """Dead letters of one actor."""
        sql = f"select count(*) from comptoir.message where class = 'dead' and key = '{key}'"
        return int(self.stage.sql.run(sql))

    def expect_answers(self, *, total: int) -> None:
        """Let time pass until the toy has been told everything, and nothing twice."""

        def told() -> bool:
            self.stage.advance(WATCHDOG_SECONDS)
            return self.stage.total(self.name) >= total

        wait_for(told, f"{self.name} is told {total}")
        self.stage.advance(WATCHDOG_SECONDS)
        assert self.stage.total(self.name) == total


class Credit(Act):
    """A purchase comes as a webhook, to the one listener; not answered, the bank sends it again, to
    the other. Which is which changes from cell to cell.
    """

    def wanted(self, sql: str, application: str) -> bool:
        return super().wanted(sql, application) and self.stage.is_submitted_by(
            "Actor._begin connection"
        )

    def trigger(self) -> None:
        self.answers: list[Answered] = []
        life, signed_at = self.victim, self.stage.now_ms()
        self.lane = self.stage.number % 2 == 0

        def send() -> None:
            try:
                self.answers.append(
                    life.http.webhook(webhook(self.name), at_ms=signed_at, lane=self.lane)
                )
            except OSError:
                return  # it died: nobody was answered

        self.bank = threading.Thread(target=send, name="bank")
        self.bank.start()

    def verify(self, case: Case) -> None:
        self.bank.join()
        life = self.stage.serving()
        if case in (Case.CUT, Case.BACKEND):
            assert [answer.status for answer in self.answers] == [202], "it found out by itself"
        signed_at = self.stage.now_ms()
        first = 202 if case is Case.BEFORE else 200
        for lane, status in ((not self.lane, first), (self.lane, 200)):
            again = life.http.webhook(webhook(self.name), at_ms=signed_at, lane=lane)
            assert again.status == status
        self.stage.check()
        entries = self.stage.sql.run(
            f"select kind, points from report.entry where transaction_id = '{self.name}'"
        )
        assert entries == f"credit|{POINTS}"


class Ask(Act):
    """Somebody asks an actor, under a key."""

    def trigger(self) -> None:
        self.ask(add=1, once=self.name)

    def verify(self, case: Case) -> None:
        self.again(case, "ask", key=self.name, message={"label": "do", "add": 1, "once": self.name})
        assert self.stage.total(self.name) == 1


class AskTwice(Act):
    """Somebody asks an actor that crashes over it once: its task tries again, and commits."""

    def trigger(self) -> None:
        self.order = self.victim.order("ask", key=self.name, message=self._message())

    def verify(self, case: Case) -> None:
        self.again(case, "ask", key=self.name, message=self._message())
        assert self.stage.total(self.name) == 1

    def _message(self) -> dict[str, Any]:
        return {"label": self.name, "add": 1, "once": self.name, "crash": "first"}


class AskAlong(Act):
    """An actor crashes over what went along to it, and first waits whether that was sent at all."""

    def prepare(self) -> None:
        super().prepare()
        self.other = f"{self.name}-other"
        for key in (self.name, self.other):
            self.victim.run("ask", key=key, message={"label": "wake up"})

    def trigger(self) -> None:
        self.order = self.victim.order("ask", key=self.name, message=self._message())

    def verify(self, case: Case) -> None:
        self.again(case, "ask", key=self.name, message=self._message())
        wait_for(lambda: self.stage.total(self.other) >= 1, f"{self.other} is told")
        self.stage.check_quiet()
        assert self.stage.total(self.other) == 1

    def _message(self) -> dict[str, Any]:
        passed = {"type": "Do", "label": self.name, "add": 1, "crash": "first"}
        sent = {"kind": "toy", "key": self.other, "what": passed}
        return {"label": "pass on", "once": self.name, "send": [sent]}


class FindOut(Ask):
    """The answer to a COMMIT was lost, and the next statement asks what became of it."""

    def trigger(self) -> None:
        commit = STATEMENTS["COMMIT_SQL"]
        trap = self.stage.proxy.set_trap(lambda sql, _: commit.matches(sql))
        super().trigger()
        trap.wait_caught()
        trap.forward(withholding=True)
        trap.wait_answered()
        trap.cut()


class Month(Ask):
    """The first event of a month that has no partition yet."""

    def prepare(self) -> None:
        self.stage.advance(SELDOM_DAYS * 86_400.0)

    def verify(self, case: Case) -> None:
        super().verify(case)
        assert self.stage.sql.run("select count(*) from comptoir.event_default") == "0"


class Repeat(Act):
    """A message of the table repeats a key that was taken."""

    def prepare(self) -> None:
        message = {"label": "do", "add": 1, "once": self.name}
        self.stage.serving().run("ask", key=self.name, message=message)

    def trigger(self) -> None:
        message = {"label": "again", "add": 1, "once": self.name}
        self.order = self.victim.order("tell", key=self.name, message=message)

    def verify(self, case: Case) -> None:
        assert self.stage.total(self.name) == 1


class Spoil(Act):
    """A message makes its actor decide what no database takes."""

    def trigger(self) -> None:
        message = {"label": "do", "spoil": True}
        self.order = self.victim.order("tell", key=self.name, message=message)

    def verify(self, case: Case) -> None:
        self.stage.serving()
        self.stage.dead += 1
        self.stage.check()
        assert self.dead(self.name) == 1
        assert self.stage.total(self.name) == 0


class Tell(Act):
    """An operator, or a program, leaves a message."""

    KIND = "engine"

    def trigger(self) -> None:
        message = {"label": "do", "add": 1, "once": self.name}
        self.order = self.victim.order("tell", key=self.name, message=message)

    def verify(self, case: Case) -> None:
        message = {"label": "do", "add": 1, "once": self.name}
        self.again(case, "tell", key=self.name, message=message)
        self.stage.check()
        assert self.stage.total(self.name) == 1


class Clock(Act):
    """A test moves business time."""

    KIND = "engine"
    SECONDS = 5.0

    def prepare(self) -> None:
        self.before = self.stage.serving().run("offset")

    def trigger(self) -> None:
        self.order = self.victim.order("clock", seconds=self.SECONDS)

    def verify(self, case: Case) -> None:
        kept = "select body ->> 'offset_ms' from comptoir.document where collection = 'setting'"
        if case in (Case.CUT, Case.BACKEND):
            self.victim.answer(self.order)
        life = self.stage.serving()
        # Nobody waits for the commit whose caller has left.
        wait_for(
            lambda: life.run("offset") == int(self.stage.sql.run(kept) or 0), "the clock is kept"
        )
        assert life.run("offset") >= self.before


class Purge(Act):
    """Keys have expired."""

    def prepare(self) -> None:
        message = {"label": "do", "add": 1, "once": f"old-{self.name}"}
        self.stage.serving().run("ask", key=self.name, message=message)
        self.stage.sql.run("update comptoir.once set expires_at = 0")
        fresh = {"label": "do", "add": 1, "once": f"new-{self.name}"}
        self.stage.serving().run("ask", key=self.name, message=fresh)
        self.fresh = fresh

    def trigger(self) -> None:
        self.order = self.victim.order("purge")

    def verify(self, case: Case) -> None:
        life = self.stage.serving()
        while life.run("purge"):
            pass
        now = life.run("clock", seconds=0)
        late = f"select count(*) from comptoir.once where expires_at <= {now}"
        assert self.stage.sql.run(late) == "0"
        life.run("ask", key=self.name, message=self.fresh)
        assert self.stage.total(self.name) == 2, "a valid key still holds"


class Rotate(Act):
    """Keys are replaced: rows are sealed anew, or `once` rows move to new digests."""

    WHAT: ClassVar[dict[str, str]] = {"RESEAL_SQL": "data", "MOVE_ONCE_SQL": "once"}

    def prepare(self) -> None:
        self.message = {"label": "do", "add": 1, "once": f"key-{self.name}"}
        self.stage.serving().run("ask", key=self.name, message=self.message)

    def trigger(self) -> None:
        self.victim.order("rotate", what=self.WHAT[self.site])

    def verify(self, case: Case) -> None:
        what = self.WHAT[self.site]

        def done() -> bool:
            return bool(self.stage.serving().run("rotation", what=what) == "done")

        if not done():
            self.stage.serving().run("ask", key=self.name, message=self.message)
        wait_for(done, f"the rotation of {what} is done")
        self.stage.serving().run("ask", key=self.name, message=self.message)
        assert self.stage.total(self.name) == 1, "a key that was taken holds"


class Keep(Act):
    """Something is kept beyond restarts."""

    def trigger(self) -> None:
        self.order = self.victim.order("setting", name=self.name, value="new")

    def verify(self, case: Case) -> None:
        life = self.stage.serving()
        if case is not Case.CANCELLED:
            kept = None if case is Case.BEFORE else "new"
            if case is Case.BACKEND:  # only the backend died: the writer is still at it
                wait_for(
                    lambda: life.run("read_setting", name=self.name) == kept, "the setting is kept"
                )
            assert life.run("read_setting", name=self.name) == kept
        life.run("setting", name=self.name, value="newer")
        assert life.run("read_setting", name=self.name) == "newer"
