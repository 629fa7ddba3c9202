"""What a webhook's microseconds are spent on: the stacks of a sampling profiler, sorted into steps.

Rules:
- a sample belongs to its innermost frame that a rule knows; so what a standard module does, or trio on
  behalf of a task (a send, a nursery, an event), counts for whoever called it;
- trio's own loop gets only what no task claims: choosing, switching, and asking for I/O;
- a thread that waits for work is no step: the profiler takes some of those for busy;
- of the rules that know a frame the first counts, so a function's rule stands before its module's;
- what no rule knows is `the rest`, whose share is told: a large one means that a rule is missing.
Source: docs/architecture.md, "The one path"; py-spy's manual, `--format raw`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["REST", "RULES", "Step", "by_step", "step_of", "steps"]

REST: Final = "the rest"

# Step, and what is searched for in "function path". In the order of the path of a webhook.
RULES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (step, re.compile(pattern))
    for step, pattern in (
        ("settle and hand over", r"^(\w+\.)*_?(settled?|_tell|hand_over|offer|_offer|finish) .*/(engine|storage)/"),
        ("settle and hand over", r"/engine/(delivery|deadlines|breaker|gateway)\.py|/storage/remembered\.py"),
        ("log and measure", r"/(structlog|prometheus_client|logging)/|/engine/(telemetry|tally)\.py|/actors/measures\.py"),
        ("log and measure", r"^(\w+\.)*(_measure|count_webhook|observe_ack) "),
        ("edge: verify", r"/http/(signatures|check_webhook|schemes|webhook_rows)\.py"),
        ("edge: decode", r"/http/(payloads|payload_rules|payload_fields|strict_json)\.py"),
        ("edge: read, frame, answer", r"/(hypercorn|h11|httptools|wsproto|h2)/"),
        ("edge: read, frame, answer", r"/http/(edge|asgi|lane|crowd|conversation|listener|wires|framing|server|connection|places|peers|answers|landing)\.py"),
        ("edge: receive", r"/http/\w+\.py"),
        ("ask", r"/engine/(engine|hosting|mailbox|waiter|boot/daemon)\.py"),
        ("connection: match, decide", r"/actors/(connection|merchants)/"),
        ("wallet: decide", r"/actors/(wallet/|programme)"),
        ("actor loop", r"/engine/(actor|actor_host|along|envelope|machine|decision|values|supervisor|spec|journal|clock|reference)\.py"),
        ("journal: seal, hash", r"/storage/(vault|sealing|keys/|leaf|leaves|tree|merkle|audit)\w*\.py|/engine/mac\.py"),
        ("journal: encode", r"/storage/(sound|readings?|wire)\w*\.py"),
        ("journal: fold", r"/storage/(batch|rows|runs|months|guilt)\.py"),
        ("journal: send", r"/storage/(writer|session|journal|bridge|query|lease)\.py"),
        ("asyncpg and its bridge", r"/(asyncpg|trio_asyncio|asyncio|outcome|sniffio|greenlet)/"),
    )
)  # fmt: skip
# Asked only where none of the above knows a frame.
_LOOP: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("trio: poll", re.compile(r"/trio/_core/_io_epoll\.py")),
    ("trio: schedule", re.compile(r"/trio/")),
)
_IDLE: Final = re.compile(r"^(\w+\.)*_work .*/trio/_core/_thread_cache\.py")
_FRAME: Final = re.compile(r"^(?P<name>.*) \((?P<path>[^()]*?)(?::\d+)?\)$")


@dataclass(frozen=True)
class Step:
    """One line of the table."""

    name: str
    us: float
    """CPU of the daemon for each webhook."""
    share: float


def _frames(stack: str) -> Iterator[str]:
    """The frames of a stack as "function path", innermost first."""
    for frame in reversed(stack.split(";")):
        if found := _FRAME.match(frame):
            yield f"{found['name']} {found['path']}"


def step_of(stack: str) -> str:
    """The step of one stack: of its innermost frame that a rule knows."""
    frames = list(_frames(stack))
    known = (
        step
        for rules in (RULES, _LOOP)
        for frame in frames
        for step, pattern in rules
        if pattern.search(frame)
    )
    return next(known, REST)


def by_step(lines: Iterable[str]) -> Counter[str]:
    """Samples of each step, from the lines of a raw profile (`frame;frame;frame count`)."""
    counts: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.strip().rpartition(" ")
        if stack and not _IDLE.search(next(_frames(stack), "")):
            counts[step_of(stack)] += int(count)
    return counts


def steps(lines: Iterable[str], cpu_s: float, webhooks: int) -> list[Step]:
    """The table: microseconds of each step for one webhook, summing to the process's CPU by webhook.

    Args:
        lines: of the raw profile.
        cpu_s: what the process used while it was recorded.
        webhooks: how many it took meanwhile.
    """
    counts = by_step(lines)
    whole = sum(counts.values())
    each_us = cpu_s / webhooks * 1e6
    order = list(dict.fromkeys([*(step for step, _ in (*RULES, *_LOOP)), REST]))
    order.sort(key=lambda step: -counts[step])
    return [
        Step(step, each_us * counts[step] / whole, counts[step] / whole)
        for step in order
        if counts[step] or step == REST
    ]
