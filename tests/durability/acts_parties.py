"""The scenes of crash_cases.py in which an outside party is called, or was.

Source: issue 3, deliver 2; design.md 6, 9 (invariants 1, 4, 6).
"""

from typing import ClassVar

from tests.durability.act import WATCHDOG_SECONDS, Act
from tests.durability.crash_cases import Case
from tests.durability.stage import wait_for


class Party(Act):
    """A toy has a party called; the answer adds one to its sum."""

    KIND = "mail"
    REFERENCE = "ok"

    @property
    def reference(self) -> str:
        """Of the call."""
        return f"{self.REFERENCE}-{self.name}"

    def trigger(self) -> None:
        self.ask(**self.send(self.KIND, self.reference))

    def verify(self, case: Case) -> None:
        self.expect_answers(total=1)


class Record(Act):
    """A record comes by the bus."""

    KIND = "core_events"

    def trigger(self) -> None:
        self.order = self.victim.order("take", key=self.name)

    def verify(self, case: Case) -> None:
        self.again(case, "take", key=self.name)
        self.stage.serving().run("take", key=self.name)  # its offset was not committed
        wait_for(lambda: self.stage.total(self.name) == 1, "it has its effect")
        self.stage.check()
        assert self.stage.total(self.name) == 1


class Publish(Act):
    """A topic is told of what has happened."""

    KIND = "engine"

    def prepare(self) -> None:
        self.stage.serving().run("ask", key=self.name, message={"label": "do"})

    def trigger(self) -> None:
        self.order = self.victim.order("publish", key=self.name)

    def verify(self, case: Case) -> None:
        self.again(case, "publish", key=self.name)
        told = self.stage.book("told", self.name)
        assert told in (1, 2), "never missed, and told again at most"
        self.stage.serving().run("publish", key=self.name)
        assert self.stage.book("told", self.name) == told, "its place is kept"


class Start(Party):
    """A payment is about to leave."""

    KIND = "payment"

    def verify(self, case: Case) -> None:
        self.stage.advance(WATCHDOG_SECONDS)
        held = int(self.stage.sql.run("select count(*) from comptoir.message where queue = 'hold'"))
        calls, effects = (self.stage.book(what, self.reference) for what in ("call", "effect"))
        assert calls <= 1, "a payment was sent twice"
        assert calls == effects == self.stage.total(self.name), "answered once if it left, else not"
        if case in (Case.BEFORE, Case.CUT, Case.BACKEND):
            assert calls == 1, "it was free to leave"
        assert held - getattr(self, "held_before", 0) == 1 - calls, "held if nobody knows"
        self.stage.dead += 1 - calls

    def prepare(self) -> None:
        super().prepare()
        self.held_before = int(
            self.stage.sql.run("select count(*) from comptoir.message where queue = 'hold'")
        )


class Finish(Party):
    """A payment has left and was answered."""

    KIND = "payment"

    def verify(self, case: Case) -> None:
        super().verify(case)
        calls, effects = (self.stage.book(what, self.reference) for what in ("call", "effect"))
        assert (calls, effects) == (1, 1), "it left once"


class Retry(Party):
    """The party is ill the first time."""

    REFERENCE = "sick"


class Park(Party):
    """A call comes while the breaker is open."""

    KIND = "shaky"

    def trigger(self) -> None:
        self.ask(**self.send(self.KIND, f"sick-{self.name}", self.reference))

    def verify(self, case: Case) -> None:
        self.expect_answers(total=2)


class Hold(Party):
    """A payment whose answer nobody has is looked up, and nobody knows of it."""

    KIND = "payment"
    REFERENCE = "vanish"

    def prepare(self) -> None:
        super().prepare()
        self.ask(**self.send(self.KIND, self.reference))
        wait_for(lambda: self.stage.book("call", self.reference), "the payment leaves")
        self.stage.check_quiet()

    def trigger(self) -> None:
        self.order = self.victim.order("clock", seconds=WATCHDOG_SECONDS)

    def verify(self, case: Case) -> None:
        self.stage.advance(WATCHDOG_SECONDS)
        self.stage.dead += 1
        self.stage.check()
        assert self.stage.book("call", self.reference) == 1, "it is never sent again"
        assert self.stage.total(self.name) == 0


class Fail(Party):
    """The party refuses for good."""

    REFERENCE = "never"
    FAILED = 100

    def verify(self, case: Case) -> None:
        self.stage.dead += 1
        self.expect_answers(total=self.FAILED)


class Replay(Party):
    """An operator has a dead letter delivered again."""

    REFERENCE = "no"

    def prepare(self) -> None:
        life = self.stage.serving()
        message = {"label": "do", **self.send(self.KIND, self.reference)}
        life.run("ask", key=self.name, message=message)
        letter = "select coalesce(max(id), 0) from comptoir.message where class = 'dead'"
        newest = int(self.stage.sql.run(letter))
        self.stage.check_quiet()
        self.letter = int(self.stage.sql.run(letter))
        assert self.letter >= newest > -1

    def trigger(self) -> None:
        self.order = self.victim.order("replay", ids=[self.letter])

    def verify(self, case: Case) -> None:
        # Whoever was not answered replays again: the letter that is gone is left out.
        self.again(case, "replay", ids=[self.letter])
        self.expect_answers(total=Fail.FAILED + 1)
        assert self.stage.book("effect", self.reference) >= 1  # under one key: it may be repeated


class Discard(Replay):
    """An operator gives a dead letter up."""

    def trigger(self) -> None:
        self.order = self.victim.order("discard", ids=[self.letter])

    def verify(self, case: Case) -> None:
        life = self.stage.serving()
        life.run("discard", ids=[self.letter])
        assert life.run("discard", ids=[self.letter]) == 0
        assert life.run("replay", ids=[self.letter]) == 0, "what is gone cannot come back"
        assert self.stage.book("effect", self.reference) == 0


class Expire(Replay):
    """A dead letter is past its time."""

    def trigger(self) -> None:
        self.order = self.victim.order("expire")

    def verify(self, case: Case) -> None:
        life = self.stage.serving()
        while life.run("expire"):
            pass
        left = "select count(*) from comptoir.message where class = 'dead'"
        assert self.stage.sql.run(left) == "0"
        self.stage.dead = 0
        assert life.run("replay", ids=[self.letter]) == 0, "what is gone cannot come back"
        assert self.stage.book("effect", self.reference) == 0


class Forget(Act):
    """An actor has ended long ago."""

    MESSAGE: ClassVar[dict[str, object]] = {"label": "do", "add": 1}

    def prepare(self) -> None:
        self.stage.serving().run("ask", key=self.name, message=self.MESSAGE)
        old = f"update comptoir.actor set updated_at = 'epoch' where key = '{self.name}'"
        self.stage.sql.run(old)

    def trigger(self) -> None:
        self.order = self.victim.order("forget")

    def verify(self, case: Case) -> None:
        life = self.stage.serving()
        life.run("forget")
        left = f"select count(*) from comptoir.actor where key = '{self.name}'"
        assert self.stage.sql.run(left) == "0"
        life.run("ask", key=self.name, message=self.MESSAGE)
        assert self.stage.total(self.name) == 1, "it begins anew, also where it was in memory"
