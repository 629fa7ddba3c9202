"""The mainframe: two queues and a program behind them that creates accounts (S29 to S33).

Rules:
- a request waits in its queue until the program runs; the program answers each, and its reply waits in the queue that the
  request names, under the correlation of the request;
- what a test has said of a client's reply holds for the next that its creation gets: late, doubled, lost, of another form,
  under another's correlation. A reply that is spoiled was still an account that was made, unless it says UNSUCCESSFUL;
- an inquiry about an address is answered from what stands of the client here now, whoever has changed it;
- a change is a message in the queue of changes, one for each field, counted by client: whether it is made here, or was asked
  for by an update. What was scripted of a client's reply holds for an update, too.

Source: spec.md S30 to S33, X9, X10; interface.md 10 (POST /control/mainframe/replies); docs/sandbox.md.
"""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

import structlog
import trio
from msgspec import Meta

from comptoir.sandbox.errors import decode, invalid
from comptoir.sandbox.faults import Direction, Kind, Operation
from comptoir.sandbox.parties.mainframe_orders import Change, Refusal
from comptoir.sandbox.parties.mainframe_program import Program, compiled
from comptoir.sandbox.parties.mainframe_records import (
    Asked,
    Wrong,
    address_record,
    read_request,
)
from comptoir.sandbox.parties.mq import Item, QueueManager
from comptoir.sandbox.parties.party import Stage
from comptoir.sandbox.parties.people_shapes import Given
from comptoir.sandbox.wire.router import Call, Route
from comptoir.sandbox.wire.server import Outcome, json_reply

NAME: Final = "mainframe"
REQUESTS: Final = "ACCT.CREATE.QUEUE"
CHANGES: Final = "ACCT.EVENTS.QUEUE"
PUT: Final = Operation("requests.put", Direction.INBOUND)
REPLY: Final = Operation("replies.send", Direction.OUTBOUND)
SUCCESS: Final = "SUCCESS"
STRANGER: Final = "ONB-1999-99999:1"
"""A correlation of nobody, where no other client has asked for anything."""
_log = structlog.get_logger("comptoir.sandbox")
_Word = Annotated[str, Meta(min_length=1, max_length=40)]


class Scripted(Given, frozen=True):
    """How the next reply to a client's creation is."""

    client_id: Annotated[str, Meta(min_length=1, max_length=20)]
    reply: _Word = SUCCESS
    """SUCCESS: as the program answers. Any other word is a refusal for that reason, and creates nothing."""
    status: Literal["08", "16"] = "08"
    """STATUS-CODE of any other word: refused, or a system error, of which nothing is known."""
    raw_b64: Annotated[str, Meta(max_length=100_000)] | None = None
    """These bytes instead of what the program has answered."""
    correlation: Literal["right", "crossed"] = "right"
    delay_seconds: Annotated[int, Meta(ge=0, le=10**7)] = 0
    """Of business time."""
    times: Annotated[int, Meta(ge=0, le=10)] = 1
    """0: the reply is lost."""


class Changed(Given, frozen=True):
    """A change that is made here (S33)."""

    client_id: Annotated[str, Meta(min_length=1, max_length=20)]
    field: Annotated[str, Meta(min_length=1, max_length=20)]
    """As the copybook calls it: CITY."""
    value: Annotated[str, Meta(max_length=40)]
    change_id: Annotated[str, Meta(max_length=12)] = ""
    sequence: Annotated[int, Meta(ge=0, le=999_999_999)] = 0
    """0: the next of this client."""
    times: Annotated[int, Meta(ge=1, le=10)] = 1


class Running(Given, frozen=True):
    """`PUT /control/mainframe`: whether the program takes what is in its queue, and its broker knows selectors."""

    running: bool
    selectors: bool = True
    """False: it leaves out the filter of whoever attaches, as AMQP allows it (3.5.3), and sends them everything."""


@dataclass(slots=True)
class Mainframe:
    """Queues, program, and what a test has said."""

    stage: Stage
    queues: QueueManager = field(default_factory=QueueManager)
    amqp_port: int = 0
    selectors: bool = True
    _program: Program | None = None
    _running: bool = True
    _resumed: trio.Event = field(default_factory=trio.Event)
    _scripted: dict[str, list[Scripted]] = field(default_factory=dict[str, list[Scripted]])
    _asked: dict[str, Item] = field(default_factory=dict[str, Item])
    """The last creation of each client."""
    _creations: dict[str, int] = field(default_factory=dict[str, int])
    _updates: dict[str, int] = field(default_factory=dict[str, int])
    _addresses: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """By client and field, as records have them."""
    _sequences: dict[str, int] = field(default_factory=dict[str, int])
    _numbers: int = 0

    def routes(self) -> list[Route]:
        """What tests ask."""
        return [
            Route("GET", "/control/mainframe", self._show),
            Route("PUT", "/control/mainframe", self._run),
            Route("POST", "/control/mainframe/replies", self._script),
            Route("POST", "/control/mainframe/changes", self._change),
        ]

    def reset(self) -> None:
        """Forgets everything."""
        self.queues.reset()
        if self._program is not None:
            self._program.reset()
        for memory in (
            self._scripted, self._asked, self._creations, self._updates, self._addresses, self._sequences,
        ):  # fmt: skip
            memory.clear()
        self.selectors = True
        self._set_running(running=True)

    async def work(self) -> None:
        """Take requests one after the other, until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                tag, item = await self.queues.wait(REQUESTS)
                while not self._running:
                    await self._resumed.wait()
                await self._take(item, nursery)
                self.queues.accept(tag)

    async def program(self) -> Program:
        """Compiled when it is first needed: most tests need none."""
        if self._program is None:
            self._program = await trio.to_thread.run_sync(compiled)
        return self._program

    async def _take(self, item: Item, nursery: trio.Nursery) -> None:
        taken_ms = self.stage.clock.now_ms()
        try:
            asked = read_request(item.body)
        except (Wrong, UnicodeDecodeError) as error:
            _log.warning("mainframe.abend", why=str(error)[:200])
            return
        script: Scripted | None = None
        said: Refusal | None = None
        if asked.code in ("ACCT", "ACUP"):
            counted = self._creations if asked.code == "ACCT" else self._updates
            counted[asked.client_id] = counted.get(asked.client_id, 0) + 1
            scripts = self._scripted.get(asked.client_id, [])
            script = scripts.pop(0) if scripts else None
        if asked.code == "ACCT":
            self._asked[asked.client_id] = item
        if script is not None and script.reply != SUCCESS:
            said = Refusal(asked.client_id, script.status, script.reply)
        try:
            program = await self.program()
            held = address_record(self._addresses.get(asked.client_id, {}))
            answer = program.answer(item.body, held) if said is None else program.say(said)
            record = await answer
            if said is None:
                await self._remember(asked)
        except (Wrong, OSError, trio.TooSlowError) as error:
            _log.warning("mainframe.abend", why=str(error)[:200])
            return
        self._reply(item, record, script or Scripted(asked.client_id), (taken_ms, nursery))

    async def _remember(self, asked: Asked) -> None:
        """What it has of a client; an update says each field that is another now."""
        had = self._addresses.get(asked.client_id, {})
        if asked.code == "ACUP":
            for name, value in asked.address:
                if had and had.get(name) != value:
                    await self._say(Changed(asked.client_id, name, value))
        if asked.code == "ACUP" or (asked.code == "ACCT" and not had):
            self._addresses[asked.client_id] = dict(asked.address)

    def _reply(
        self, item: Item, record: bytes, script: Scripted, where: tuple[int, trio.Nursery]
    ) -> None:
        """Have a reply queued in its time, which counts from when the request was taken."""
        taken_ms, nursery = where
        fired = self.stage.faults.draw(NAME, REPLY)
        kinds = {one.kind for one in fired}
        times = 0 if Kind.LOST in kinds else script.times * (2 if Kind.DUPLICATE in kinds else 1)
        late_ms = script.delay_seconds * 1000 + sum(x.ms for x in fired if x.kind is Kind.LATE)
        body = record if script.raw_b64 is None else base64.b64decode(script.raw_b64)
        correlation = item.correlation
        if script.correlation == "crossed" or Kind.FORGED in kinds:
            others = [x.correlation for name, x in self._asked.items() if name != script.client_id]
            correlation = others[-1] if others else STRANGER
        due = taken_ms + late_ms
        for _ in range(times):
            self._numbers += 1
            reply = Item(f"reply-{self._numbers}", correlation, "", body)
            nursery.start_soon(self._later, due, item.reply_to, reply)

    async def _later(self, due_ms: int, queue: str, item: Item) -> None:
        await self.stage.clock.until(due_ms)
        self.queues.put(queue, item)

    async def _show(self, _call: Call) -> Outcome:
        program = await self.program()
        return json_reply(
            200,
            {
                "program": program.name,
                "amqp": f"amqp://127.0.0.1:{self.amqp_port}" if self.amqp_port else None,
                "running": self._running,
                "accounts": program.accounts(),
                "creations": self._creations,
                "updates": self._updates,
                "addresses": self._addresses,
                "depths": self.queues.depths(),
            },
        )

    async def _run(self, call: Call) -> Outcome:
        wanted = decode(call.request.body, Running)
        self.selectors = wanted.selectors
        self._set_running(running=wanted.running)
        return json_reply(200, {"running": self._running})

    def _set_running(self, *, running: bool) -> None:
        self._running = running
        if running:
            self._resumed.set()
            self._resumed = trio.Event()

    async def _script(self, call: Call) -> Outcome:
        script = decode(call.request.body, Scripted)
        try:
            base64.b64decode(script.raw_b64 or "", validate=True)
        except binascii.Error:
            raise invalid("/rawB64", "FIELD_INVALID", "not Base64") from None
        self._scripted.setdefault(script.client_id, []).append(script)
        return json_reply(202, {"status": "KEPT"})

    async def _change(self, call: Call) -> Outcome:
        change = decode(call.request.body, Changed)
        try:
            name, sequence = await self._say(change)
        except Wrong:
            raise invalid(
                "/value", "FIELD_INVALID", "the code page has no such character"
            ) from None
        return json_reply(202, {"changeId": name, "sequence": sequence})

    async def _say(self, change: Changed) -> tuple[str, int]:
        """Have a change queued; its id and its sequence.

        Raises:
            Wrong: the code page has no such character.
        """
        client = change.client_id
        sequence = change.sequence or self._sequences.get(client, 0) + 1
        self._sequences[client] = max(sequence, self._sequences.get(client, 0))
        name = change.change_id or f"CH{sequence:08d}"
        now_ms = self.stage.clock.now_ms()
        said = Change(client, name, sequence, now_ms, change.field, change.value)
        record = await (await self.program()).say(said)
        told_late = sequence < self._sequences[client]
        if client in self._addresses and not told_late:
            self._addresses[client][change.field] = change.value
        for _ in range(change.times):
            self._numbers += 1
            self.queues.put(
                CHANGES, Item(f"change-{self._numbers}", f"{client}:{name}", "", record)
            )
        return name, sequence
