"""The scenes of crash_cases.py in which a daemon starts, or waits behind another one.

Source: issue 3, deliver 2; design.md 7 (One writer); spec S43, S71.
"""

import json
import os
import signal
from typing import Any

from tests.durability.act import STATEMENTS, Ask
from tests.durability.crash_cases import SESSIONS, Case
from tests.durability.stage import wait_for


class Restart(Ask):
    """A daemon starts on a database that was served before."""

    def prepare(self) -> None:
        self.stage.serving().kill()

    def trigger(self) -> None:
        self.stage.start(wait=False)

    def verify(self, case: Case) -> None:
        known = self.stage.epoch
        self.stage.serving()
        self.stage.check()
        assert self.stage.epoch > known, "an epoch was used again"
        super().verify(case)


class Queue(Restart):
    """A daemon that starts waits for one that migrates."""

    def wanted(self, sql: str, application: str) -> bool:
        return super().wanted(sql, application) and application == SESSIONS[self.site]


class Begin(Restart):
    """A daemon starts on a database that is new."""

    def prepare(self) -> None:
        assert not self.stage.lives, "the database is new"

    def verify(self, case: Case) -> None:
        self.stage.serving()
        numbers = "select array_agg(number order by number) from comptoir.schema_migration"
        found = json.loads(self.stage.sql.run(numbers).replace("{", "[").replace("}", "]"))
        assert found == list(range(1, len(found) + 1))
        super().verify(case)
        assert self.stage.sql.run(
            "select distinct usename from pg_stat_activity"
            " where application_name = 'comptoir writer' and datname = current_database()"
        )


class Upgrade(Begin):
    """A daemon starts on a database whose migration stopped half-way."""

    def prepare(self) -> None:
        trap = self.stage.proxy.set_trap(
            lambda sql, _: sql.startswith("begin;") and "comptoir.lot" in sql
        )
        life = self.stage.start(wait=False)
        trap.wait_caught()
        life.kill()
        trap.cut()


class StandBy(Ask):
    """A second daemon waits for the lock."""

    def prepare(self) -> None:
        self.active = self.stage.serving()

    def wanted(self, sql: str, application: str) -> bool:
        return super().wanted(sql, application) and application == SESSIONS[self.site]

    def trigger(self) -> None:
        self.stage.start(wait=False)

    def unblock(self) -> None:
        self.active.kill()

    def verify(self, case: Case) -> None:
        if case in (Case.BEFORE, Case.CANCELLED):
            assert not self.active.ended, "the other one was left alone"
        if not self.active.ended:
            self.active.kill()
        self.stage.serving()
        super().verify(case)


class TakeOver(StandBy):
    """A second daemon ends the session of one that stands still."""

    def prepare(self) -> None:
        super().prepare()
        os.kill(self.active.pid, signal.SIGSTOP)

    def wanted(self, sql: str, application: str) -> bool:
        return STATEMENTS[self.site].matches(sql)

    def unblock(self) -> None:
        return

    def is_answer(self, note: dict[str, Any]) -> bool:
        # The lock may come before the answer, and then nobody waits for the answer any more.
        return super().is_answer(note) or note.get("event") == "ready"

    def verify(self, case: Case) -> None:
        taken = case in (Case.CUT, Case.BACKEND)
        if taken:
            self.stage.serving()
        os.kill(self.active.pid, signal.SIGCONT)
        if taken:
            self.active.wait_end()
            assert "superseded" in self.active.said().lower()
        else:
            # Nobody else is there: if it still is the writer, it goes on.
            number = self.active.order("ask", key=self.name, message={"label": "woke up"})
            wait_for(
                lambda: self.active.ended or self.active.acknowledged(number),
                lambda: f"{self.active.notes[-6:]} {self.active.said()[-3000:]}",
            )
            if self.active.ended:  # the lock may have come before the crash, and the epoch with it
                assert case in (Case.SENT, Case.ANSWERED)
                assert "superseded" in self.active.said().lower()
            self.active.kill()
        self.stage.serving()
        Ask.verify(self, case)
