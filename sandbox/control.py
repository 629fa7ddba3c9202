"""The control API: what a test does to the outside parties and asks of them.

Rule: every call is JSON, every refusal has a code, and nothing that is asked for starts work
without a bound.

Source: interface.md 10.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
import orjson
import structlog
import trio

from comptoir.sandbox.clock import parse_rfc3339, rfc3339
from comptoir.sandbox.deliveries import Sender
from comptoir.sandbox.errors import Refused, decode, invalid, nearest
from comptoir.sandbox.faults import Catalogue, parse_faults
from comptoir.sandbox.papers import PaperRequest, draw
from comptoir.sandbox.parties.party import Stage
from comptoir.sandbox.parties.seed import misbehave
from comptoir.sandbox.records import Entry, Record
from comptoir.sandbox.runs.catalogue import load
from comptoir.sandbox.runs.plan import Plan
from comptoir.sandbox.runs.request import RunRequest, check
from comptoir.sandbox.runs.run import Run
from comptoir.sandbox.schemes import SCHEMES
from comptoir.sandbox.webhooks import WebhookRequest, send, sender_of
from comptoir.sandbox.wire.client import Target
from comptoir.sandbox.wire.router import Call, Route
from comptoir.sandbox.wire.server import Outcome, Reply, json_reply

# Runs share one core with the receiver's measurements: more at once would measure each other.
RUNS_AT_ONCE_MAX = 4
RUNS_KEPT_MAX = 64
WAIT_SECONDS_MAX = 300
CHANNELS = ("push", "mail", "sms", "slack", "pagerduty")

_log = structlog.get_logger("comptoir.sandbox")


class ClockRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """The body of `POST /control/clock`."""

    advance_seconds: Annotated[int, msgspec.Meta(ge=0, le=10**10)]


@dataclass(slots=True)
class _Playing:
    run: Run
    scope: trio.CancelScope
    ended: trio.Event


@dataclass(slots=True)
class Control:
    """The handlers; `nursery` is where runs live."""

    stage: Stage
    faults_catalogue: Catalogue
    nursery: trio.Nursery
    hosts: frozenset[str]
    """Where webhooks may be sent."""
    forget: tuple[Callable[[], None], ...]
    """What else a reset clears: the parties' own memories."""
    _runs: OrderedDict[str, _Playing] = field(default_factory=OrderedDict[str, _Playing])
    _runs_started: int = 0

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/control/webhooks", self.post_webhooks),
            Route("POST", "/control/runs", self.post_run),
            Route("GET", "/control/runs", self.get_runs),
            Route("GET", "/control/runs/{id}", self.get_run, query=("waitSeconds",)),
            Route("PUT", "/control/faults", self.put_faults, query=("seed",)),
            Route("GET", "/control/faults", self.get_faults),
            Route("DELETE", "/control/faults", self.delete_faults),
            Route("GET", "/control/calls", self.get_calls, query=("party", "since")),
            Route("GET", "/control/inbox", self.get_inbox, query=("channel", "to", "since")),
            Route("POST", "/control/papers", self.post_papers),
            Route("GET", "/control/clock", self.get_clock),
            Route("POST", "/control/clock", self.post_clock),
            Route("POST", "/control/reset", self.post_reset),
        ]

    async def post_webhooks(self, call: Call) -> Outcome:
        """Sends one webhook so many times; answers with the list of answers."""
        request = decode(call.request.body, WebhookRequest)
        sender = sender_of(request, self.hosts)
        return json_reply(200, await send(request, sender, self.stage.clock, self.stage.faults))

    async def post_run(self, call: Call) -> Outcome:
        """Starts a run; 202 with its id, 409 where too many are running."""
        request = decode(call.request.body, RunRequest)
        check(request)
        sender = Sender(
            target=Target.parse(request.target, self.hosts),
            scheme=SCHEMES[request.scheme],
            secret=request.secret.encode("utf-8", "surrogatepass"),
            window_ms=request.window_ms,
        )
        start_ms = self._start_ms(request)
        self._check_room()
        catalogue = await trio.to_thread.run_sync(
            load, request.partners_csv, request.connections_csv
        )
        self._check_room()
        self._runs_started += 1
        run = Run(
            run_id=f"run_{self._runs_started}",
            request=request,
            sender=sender,
            clock=self.stage.clock,
            deliveries=misbehave(Plan(request, catalogue, start_ms), self.stage.faults),
            notes={
                "seed": request.seed,
                "partnersUsed": len(catalogue.partners),
                "partnersLeftOut": catalogue.partners_left_out,
            },
        )
        playing = _Playing(run, trio.CancelScope(), trio.Event())
        self._keep(playing)
        self.nursery.start_soon(_play, playing)
        _log.info("run.started", run=run.run_id, count=request.count, seed=request.seed)
        return json_reply(202, {"runId": run.run_id})

    def _start_ms(self, request: RunRequest) -> int:
        if request.start_at is None:
            return self.stage.clock.now_ms()
        try:
            return parse_rfc3339(request.start_at)
        except ValueError:
            raise invalid("/startAt", "FIELD_INVALID", "not RFC 3339 with an offset") from None

    def _check_room(self) -> None:
        running = sum(not playing.ended.is_set() for playing in self._runs.values())
        if running >= RUNS_AT_ONCE_MAX:
            detail = f"{running} runs are in progress: wait for one, or POST /control/reset"
            raise Refused(409, "RUN_IN_PROGRESS", detail)

    def _keep(self, playing: _Playing) -> None:
        """Remembers a run and forgets the oldest ended one beyond the bound."""
        self._runs[playing.run.run_id] = playing
        if len(self._runs) > RUNS_KEPT_MAX:
            ended = (key for key, old in self._runs.items() if old.ended.is_set())
            self._runs.pop(next(ended))

    async def get_runs(self, _call: Call) -> Outcome:
        """The runs that are remembered, newest first, without their results."""
        runs = [playing.run for playing in reversed(self._runs.values())]
        return json_reply(200, {"items": [{"runId": r.run_id, "status": r.status} for r in runs]})

    async def get_run(self, call: Call) -> Outcome:
        """Progress and result of one run; with `waitSeconds`, as soon as it ends or then."""
        playing = self._runs.get(call.argument)
        if playing is None:
            raise Refused(404, "NOT_FOUND", "no such run, or forgotten since")
        with trio.move_on_after(_wait_seconds(call.query.get("waitSeconds", "0"))):
            await playing.ended.wait()
        return json_reply(200, playing.run.document())

    async def put_faults(self, call: Call) -> Outcome:
        """Replaces the faults in force; chance starts from `?seed=` (default 0)."""
        seed = call.query.get("seed", "0")
        if not (seed.isascii() and seed.isdigit()):
            raise Refused(422, "REQUEST_INVALID", "seed: expected an integer")
        try:
            rows = orjson.loads(call.request.body)
        except orjson.JSONDecodeError as error:
            raise Refused(400, "REQUEST_MALFORMED", f"the body is not JSON: {error}") from None
        self.stage.faults.set(parse_faults(rows, self.faults_catalogue), int(seed))
        return await self.get_faults(call)

    async def get_faults(self, _call: Call) -> Outcome:
        """The faults in force and how often each has fired."""
        return json_reply(200, self.stage.faults.document())

    async def delete_faults(self, _call: Call) -> Outcome:
        """No faults any more."""
        self.stage.faults.set(())
        return Reply(204)

    async def get_calls(self, call: Call) -> Outcome:
        """The calls that parties received, oldest first."""
        party = call.query.get("party")
        if party is not None and party not in self.faults_catalogue:
            detail = f"party: no such party is played: {nearest(party, self.faults_catalogue)}"
            raise Refused(422, "REQUEST_INVALID", detail)
        since = _since(call.query.get("since"))
        return _listing(
            self.stage.calls,
            lambda entry: since(entry) and (party is None or entry.facts["party"] == party),
        )

    async def get_inbox(self, call: Call) -> Outcome:
        """What people would have received, oldest first."""
        channels = set(filter(None, call.query.get("channel", "").split(",")))
        for name in channels:
            if name not in CHANNELS:
                detail = f"channel: no such channel: {nearest(name, CHANNELS)}"
                raise Refused(422, "REQUEST_INVALID", detail)
        to = call.query.get("to")
        since = _since(call.query.get("since"))
        return _listing(
            self.stage.inbox,
            lambda entry: (
                since(entry)
                and (not channels or entry.facts["channel"] in channels)
                and (to is None or entry.facts["to"] == to)
            ),
        )

    async def post_papers(self, call: Call) -> Outcome:
        """A specimen of a client's paper: a PDF, or a photograph."""
        request = decode(call.request.body, PaperRequest)
        document, media_type = await trio.to_thread.run_sync(draw, request)
        return Reply(200, document, content_type=media_type)

    async def get_clock(self, _call: Call) -> Outcome:
        """The sandbox's business time."""
        clock = self.stage.clock
        document = {"now": rfc3339(clock.now_ms()), "addedSeconds": clock.added_ms // 1000}
        return json_reply(200, document)

    async def post_clock(self, call: Call) -> Outcome:
        """Moves business time forward."""
        request = decode(call.request.body, ClockRequest)
        self.stage.clock.advance(request.advance_seconds * 1000)
        return await self.get_clock(call)

    async def post_reset(self, _call: Call) -> Outcome:
        """Ends all runs and forgets everything, a fault script included."""
        for playing in self._runs.values():
            playing.scope.cancel()
        for playing in list(self._runs.values()):
            await playing.ended.wait()
        self._runs.clear()
        self._runs_started = 0
        self.stage.faults.set(())
        self.stage.calls.clear()
        self.stage.inbox.clear()
        self.stage.clock.reset()
        for forget in self.forget:
            forget()
        return json_reply(200, {"status": "reset"})


async def _play(playing: _Playing) -> None:
    """A run in its own cancel scope, so that a reset ends it and nothing else."""
    try:
        with playing.scope:
            await playing.run.play()
    except Exception:  # noqa: BLE001  (logged with its trace, and the run says that it failed)
        # A bug in one run must not end the other parties.
        _log.exception("run.failed", run=playing.run.run_id)
        playing.run.status, playing.run.reason = "failed", "internal error: see the sandbox's log"
    finally:
        playing.ended.set()


def _wait_seconds(text: str) -> float:
    if not (text.isascii() and text.isdigit() and int(text) <= WAIT_SECONDS_MAX):
        detail = f"waitSeconds: expected an integer up to {WAIT_SECONDS_MAX}"
        raise Refused(422, "REQUEST_INVALID", detail)
    return float(text)


def _since(text: str | None) -> Callable[[Entry], bool]:
    """After a place in the order (an integer) or from a time on (RFC 3339)."""
    if text is None:
        return lambda _entry: True
    if text.isascii() and text.isdigit():
        seq = int(text)
        return lambda entry: entry.seq > seq
    try:
        at_ms = parse_rfc3339(text)
    except ValueError:
        raise Refused(422, "REQUEST_INVALID", "since: not a seq and not RFC 3339") from None
    return lambda entry: entry.at_ms >= at_ms


def _listing(record: Record, wanted: Callable[[Entry], bool]) -> Outcome:
    entries = record.select(wanted)
    items: list[dict[str, Any]] = [
        {"seq": entry.seq, "at": rfc3339(entry.at_ms), **entry.facts} for entry in entries
    ]
    seen = record.statistics()
    return json_reply(200, {"items": items, "forgotten": seen.forgotten, "lastSeq": seen.last_seq})
