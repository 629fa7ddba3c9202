"""The machine of an endpoint: it goes through the feed, one event after the other, at the pace of who listens.

Rules:
- one call at a time: the next event is sent when the one before was taken, so that none overtakes another, of whatever
  entity; what is not taken is tried again, for days, and keeps its place;
- nothing is given up: an endpoint that fails for too long, or says that it is gone, is disabled and told so by mail, and
  goes on from there when it is enabled. What it cannot take is passed over by whoever it belongs to (ReplayEvents);
- at least once: a call whose answer was lost is made again, under the same id;
- the answer of a call that is not the one that is out changes nothing.

Source: spec.md S33, S63; the Standard Webhooks specification 1.0.0; docs/events.md; docs/adr/0058.
"""

from typing import Final

import msgspec

from comptoir.actors.endpoint.messages import (
    KIND,
    PINGS_MAX,
    REPLAYS_MAX,
    AttemptsListed,
    ChangeEndpoint,
    CloseEndpoint,
    DeliveryEnded,
    DescribeEndpoint,
    EndpointDescribed,
    FeedGrew,
    ListAttempts,
    OpenEndpoint,
    PingEndpoint,
    ReplayEvents,
    RetryDue,
    RotateSecret,
)
from comptoir.actors.endpoint.state import (
    EndpointChanged,
    EndpointClosed,
    EndpointDisabled,
    EndpointEnabled,
    EndpointOpened,
    EndpointState,
    Job,
    Key,
    Phase,
    ReplayAsked,
    SecretRotated,
    delay_of,
    described,
    noted,
)
from comptoir.actors.endpoint.terms import terms_of
from comptoir.actors.endpoint.texts import disabled_mail
from comptoir.actors.gateways.messages import MAIL, NoticeRefused, NoticeTaken, SendMail
from comptoir.actors.gateways.outward_messages import OUTWARD, DeliverNext
from comptoir.engine import Decision, Event, Message, Outgoing, Refusal, Reply
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES", "TOO_MANY"]

TOO_MANY: Final = "REPLAYS_TOO_MANY"
KEYS_MAX: Final = 3
"""That sign at once: who replaces secrets faster than they end loses the oldest."""
TIMER: Final = "retry"
OPEN: Final = (Phase.IDLE, Phase.SENDING, Phase.WAITING)
LIVING: Final = (*OPEN, Phase.DISABLED)

Outcome = Decision[EndpointState]
replace = msgspec.structs.replace


def _decide(
    state: EndpointState, context: Context, *events: Event, answer: bool = False
) -> Outcome:
    """Send what is to be sent next, if nothing is out and nothing has to wait."""
    reply = described(state, context.now) if answer else None
    if state.phase not in (Phase.IDLE, Phase.WAITING):
        return Decision(state, reply, events)
    job, after, upto = _next(state, context.now)
    if not job:
        waits = state.retry_at > context.now
        return Decision(
            state if waits and state.phase is Phase.WAITING else _resting(state, waits),
            reply,
            events,
        )
    out = replace(
        state, phase=Phase.SENDING, job=job, serial=state.serial + 1,
        retry_at=0 if job != "ping" else state.retry_at,
    )  # fmt: skip
    return Decision(out, reply, events, (_call(out, context, after, upto),))


def _resting(state: EndpointState, waits: bool) -> EndpointState:
    if waits:
        return replace(state, phase=Phase.WAITING)
    if state.phase is Phase.IDLE and not state.retry_at:
        return state
    return replace(state, phase=Phase.IDLE, retry_at=0)


def _next(state: EndpointState, now: int) -> tuple[Job, int, int]:
    """What is to be sent: a test, even while something waits to be tried again; else what it waits for."""
    if state.pings:
        return "ping", 0, 0
    if state.retry_at > now:
        return "", 0, 0
    if state.singles:
        return "single", state.singles[0] - 1, state.singles[0]
    if state.known > state.cursor:
        return "event", state.cursor, state.known
    return "", 0, 0


def _call(state: EndpointState, context: Context, after: int, upto: int) -> Outgoing:
    terms, single = state.terms, state.job == "single"
    secrets = tuple(one.secret for one in state.keys if not one.until or one.until > context.now)
    ping = state.pings[0] if state.job == "ping" else ""
    return Outgoing(
        OUTWARD,
        DeliverNext(
            state.serial, context.address.key, terms.url, secrets, after, upto,
            () if single else terms.types, state.partner, ping,
        ),
    )  # fmt: skip


def _open(_state: EndpointState, message: OpenEndpoint, context: Context) -> Outcome:
    state = EndpointState(
        Phase.IDLE, message.partner, message.terms, (Key(message.secret),), context.now,
        cursor=message.after, known=message.after,
    )  # fmt: skip
    return Decision(state, events=(EndpointOpened(message.partner),))


def _grew(state: EndpointState, message: FeedGrew, context: Context) -> Outcome:
    if message.position <= state.known:
        return Decision(state)
    return _decide(replace(state, known=message.position), context)


def _due(state: EndpointState, _message: RetryDue, context: Context) -> Outcome:
    """Also while a test is out: then what waited goes next."""
    return _decide(replace(state, retry_at=0), context) if state.retry_at else Decision(state)


def _ended(state: EndpointState, message: DeliveryEnded, context: Context) -> Outcome:
    if message.serial != state.serial or not state.job:
        return Decision(state)
    job, told = state.job, noted(state, message, context.now)
    rests = replace(told, job="", rewind=-1)
    if job == "ping":
        rests = replace(rests, pings=state.pings[1:])
    elif message.outcome in ("delivered", "nothing"):
        rests = _advanced(rests, job, message)
    if state.rewind >= 0 and job == "event":
        rests = replace(rests, cursor=state.rewind)
    if state.phase is Phase.DISABLED:
        return Decision(rests)
    if message.outcome == "gone":
        return _disabled(rests, "gone", context)
    if job != "ping" and message.outcome == "failed":
        return _failed(rests, message, context)
    return _decide(replace(rests, phase=Phase.IDLE), context)


def _advanced(state: EndpointState, job: Job, message: DeliveryEnded) -> EndpointState:
    """Past what was taken, or looked at."""
    if message.outcome == "delivered":
        state = replace(state, tries=0, failing_since=0)
    if job == "single":
        return replace(state, singles=state.singles[1:])
    return replace(state, cursor=max(state.cursor, message.position))


def _failed(state: EndpointState, message: DeliveryEnded, context: Context) -> Outcome:
    now, tries = context.now, state.tries + 1
    failing = replace(state, tries=tries, failing_since=state.failing_since or now)
    if now - failing.failing_since >= terms_of(context).failing_ms:
        return _disabled(failing, "failing", context)
    due_at = now + delay_of(context.address.key, state.serial, tries, message.wait_ms)
    waits = replace(failing, phase=Phase.WAITING, retry_at=due_at)
    timer = Outgoing(context.address, RetryDue(), due_at, TIMER)
    found = _decide(waits, context)
    return replace(found, messages=(timer, *found.messages))


def _disabled(state: EndpointState, cause: str, context: Context) -> Outcome:
    off = replace(state, phase=Phase.DISABLED, cause=cause, retry_at=0, pings=())
    mails: tuple[Outgoing, ...] = ()
    if state.terms.contact and cause != "paused" and terms_of(context).mail:
        subject, text = disabled_mail(context.address.key, cause)
        reference = f"{context.address.key}:{state.serial}"
        mails = (Outgoing(MAIL, SendMail(reference, state.terms.contact, subject, text)),)
    return Decision(
        off, described(off, context.now), (EndpointDisabled(cause),), mails, cancel=(TIMER,)
    )


def _change(state: EndpointState, message: ChangeEndpoint, context: Context) -> Outcome:
    given = msgspec.structs.asdict(message)
    enabled = given.pop("enabled")
    fields = {
        name: value
        for name, value in given.items()
        if value is not None and value != getattr(state.terms, name)
    }
    changed = replace(state, terms=replace(state.terms, **fields))
    events: tuple[Event, ...] = (EndpointChanged(tuple(sorted(fields))),) if fields else ()
    off = state.phase is Phase.DISABLED
    if enabled is False and not off:
        found = _disabled(changed, "paused", context)
        return replace(found, events=(*events, *found.events))
    if enabled and off:
        # The call that was out when it was disabled may still end: until then nothing else goes out.
        phase = Phase.SENDING if state.job else Phase.IDLE
        on = replace(changed, phase=phase, cause="", tries=0, failing_since=0)
        return _decide(on, context, *events, EndpointEnabled(), answer=True)
    if "url" in fields and state.phase is Phase.WAITING:
        tried = _decide(replace(changed, retry_at=0), context, *events, answer=True)
        return replace(tried, cancel=(TIMER,))
    return Decision(changed, described(changed, context.now), events)


def _rotate(state: EndpointState, message: RotateSecret, context: Context) -> Outcome:
    now = context.now
    if any(one.secret == message.secret for one in state.keys):
        return Decision(state, described(state, now))
    until = now + terms_of(context).rotation_ms
    old = (Key(one.secret, min(one.until or until, until)) for one in state.keys)
    living = tuple(one for one in old if one.until > now)
    keys = (Key(message.secret), *living)[:KEYS_MAX]
    rotated = replace(state, keys=keys)
    return Decision(rotated, described(rotated, now), events=(SecretRotated(),))


def _replay(state: EndpointState, message: ReplayEvents, context: Context) -> Outcome | Refusal:
    asked = ReplayAsked(message.after, message.position)
    after = state
    if message.position is not None:
        if len(state.singles) >= REPLAYS_MAX:
            return Refusal(TOO_MANY, "wait until those that were asked for are told")
        after = replace(after, singles=(*state.singles, message.position))
    if message.after is not None:
        cursor = min(message.after, state.known)
        out = state.job == "event"
        after = replace(after, rewind=cursor) if out else replace(after, cursor=cursor)
    if state.phase is not Phase.WAITING:
        return _decide(after, context, asked, answer=True)
    # Whoever asks does not want to wait: what failed may be what is passed over.
    found = _decide(replace(after, retry_at=0), context, asked, answer=True)
    return replace(found, cancel=(TIMER,))


def _ping(state: EndpointState, message: PingEndpoint, context: Context) -> Outcome | Refusal:
    if message.ping_id in state.pings:
        return Decision(state, described(state, context.now))
    if len(state.pings) >= PINGS_MAX:
        return Refusal(TOO_MANY, "wait until those that were asked for are sent")
    return _decide(replace(state, pings=(*state.pings, message.ping_id)), context, answer=True)


def _close(state: EndpointState, _message: CloseEndpoint, _context: Context) -> Outcome:
    closed = EndpointState(Phase.CLOSED, state.partner, created_at=state.created_at)
    return Decision(closed, events=(EndpointClosed(),), cancel=(TIMER,))


def _describe(state: EndpointState, _message: DescribeEndpoint, context: Context) -> Outcome:
    return Decision(state, described(state, context.now))


def _list(state: EndpointState, _message: ListAttempts, _context: Context) -> Outcome:
    return Decision(state, AttemptsListed(state.attempts[::-1]))


def _nothing(state: EndpointState, _message: Message, _context: Context) -> Outcome:
    """Late news of what has ended, and of a mail that may arrive or not."""
    return Decision(state)


MACHINE: Machine[EndpointState] = Machine(
    KIND,
    phases=Phase,
    messages=(
        OpenEndpoint, FeedGrew, DeliveryEnded, RetryDue, ChangeEndpoint, RotateSecret, ReplayEvents, PingEndpoint,
        CloseEndpoint, DescribeEndpoint, ListAttempts, NoticeTaken, NoticeRefused,
    ),
    rows=(
        row(Phase.NONE, OpenEndpoint, _open, Phase.IDLE),
        row(Phase.IDLE, FeedGrew, _grew, Phase.IDLE, Phase.SENDING),
        row(Phase.SENDING, FeedGrew, _grew, Phase.SENDING),
        row(Phase.WAITING, FeedGrew, _grew, Phase.WAITING),
        row(Phase.DISABLED, FeedGrew, _grew, Phase.DISABLED),
        row(Phase.IDLE, DeliveryEnded, _nothing, Phase.IDLE),
        row(Phase.SENDING, DeliveryEnded, _ended, Phase.SENDING, Phase.IDLE, Phase.WAITING, Phase.DISABLED),
        row(Phase.WAITING, DeliveryEnded, _nothing, Phase.WAITING),
        row(Phase.DISABLED, DeliveryEnded, _ended, Phase.DISABLED),
        row(Phase.IDLE, RetryDue, _nothing, Phase.IDLE),
        row(Phase.SENDING, RetryDue, _due, Phase.SENDING),
        row(Phase.WAITING, RetryDue, _due, Phase.SENDING, Phase.IDLE),
        row(Phase.DISABLED, RetryDue, _nothing, Phase.DISABLED),
        row(Phase.IDLE, ChangeEndpoint, _change, Phase.IDLE, Phase.DISABLED),
        row(Phase.SENDING, ChangeEndpoint, _change, Phase.SENDING, Phase.DISABLED),
        row(
            Phase.WAITING, ChangeEndpoint, _change, Phase.WAITING, Phase.SENDING, Phase.IDLE, Phase.DISABLED
        ),
        row(Phase.DISABLED, ChangeEndpoint, _change, Phase.DISABLED, Phase.IDLE, Phase.SENDING),
        *(row(phase, RotateSecret, _rotate, phase) for phase in LIVING),
        row(Phase.IDLE, ReplayEvents, _replay, Phase.IDLE, Phase.SENDING),
        row(Phase.WAITING, ReplayEvents, _replay, Phase.SENDING, Phase.IDLE),
        *(row(phase, ReplayEvents, _replay, phase) for phase in (Phase.SENDING, Phase.DISABLED)),
        row(Phase.IDLE, PingEndpoint, _ping, Phase.SENDING),
        row(Phase.SENDING, PingEndpoint, _ping, Phase.SENDING),
        row(Phase.WAITING, PingEndpoint, _ping, Phase.SENDING),
        *(row(phase, CloseEndpoint, _close, Phase.CLOSED) for phase in LIVING),
        *(row(phase, DescribeEndpoint, _describe, phase) for phase in LIVING),
        *(row(phase, ListAttempts, _list, phase) for phase in LIVING),
        *(row(phase, said, _nothing, phase) for phase in LIVING for said in (NoticeTaken, NoticeRefused)),
        *(row(Phase.CLOSED, said, _nothing, Phase.CLOSED)
          for said in (FeedGrew, DeliveryEnded, RetryDue, NoticeTaken, NoticeRefused)),
    ),
    terminal=(Phase.CLOSED,),
)  # fmt: skip

REPLIES: tuple[type[Reply], ...] = (EndpointDescribed, AttemptsListed)
