"""When a connection reads without being asked to, to find what webhooks have missed (E6).

Rules:
- each connection has a timer of its own, and a fifth of the interval is drawn: so readings lie evenly over
  the interval, whatever the hour at which cards were linked;
- after an outage of ours the timers are all due at once: each is put off once, over the configured spread;
- a reading that was asked for puts it off too, and one that is under way is not doubled: nobody is asked more
  often than the interval says (fair use, protocols.md 5.1);
- it waits for tokens that have ended and are being replaced: a refusal would cost a whole interval;
- such a reading is given up, and not parked, while the provider's breaker is open (gateways/bank.py): the next
  one comes by itself;
- what it finds is taken under the keys that webhooks have, so neither can credit what the other has.

Source: spec.md E6, S60, S63, S65, X16.
"""

from hashlib import blake2b

from comptoir.actors.connection.messages import Heal, ReadOn
from comptoir.actors.gateways.messages import Tokens
from comptoir.actors.programme import programme_of
from comptoir.engine import Outgoing
from comptoir.engine.machine import Context

__all__ = ["HEALING", "READING", "first_reading", "put_off", "schedule"]

HEALING, READING = "healing", "reading"
"""Names of timers."""
LATE_MS = 60_000
"""A timer that comes later was held up by an outage, as those of others were."""
ROTATION_MS = 300_000
"""Within which tokens that have ended are replaced, as a rule."""
CHANCE = 5
"""One part in so many of the interval is drawn."""


def schedule(context: Context) -> tuple[Outgoing, ...]:
    """The timer of the next reading, set anew."""
    interval = programme_of(context).heal_ms
    if not interval:
        return ()
    at = context.now + interval - interval // CHANCE + _drawn(context, interval // CHANCE)
    return (Outgoing(context.address, Heal(at), at, HEALING),)


def put_off(message: Heal, tokens: Tokens, context: Context) -> tuple[Outgoing, ...]:
    """The timer of a reading that cannot be now, or came late and was not put off before; else nothing."""
    if not message.spread and context.now - message.due_at > LATE_MS:
        at = context.now + _drawn(context, programme_of(context).heal_spread_ms)
    elif 0 < tokens.expires_at <= context.now:
        at = context.now + ROTATION_MS
    else:
        return ()
    return (Outgoing(context.address, Heal(at, spread=True), at, HEALING),)


def first_reading(context: Context) -> tuple[Outgoing, ...]:
    """Read at once what was bought before the link, where the programme looks back."""
    if not programme_of(context).look_back_days:
        return ()
    return (Outgoing(context.address, ReadOn(), context.now, READING),)


def _drawn(context: Context, below: int) -> int:
    """A number of ms from 0 on: the same for one version of one connection."""
    seed = f"{context.address.key}|{context.version}"
    return int.from_bytes(blake2b(seed.encode(), digest_size=8).digest()) % max(1, below)
