"""What a connection does about the access that it is: open, renew, rotate, end, revoke.

Rules:
- warnings and the end are in the calendar (calendar.py); until a new consent is in force the old one is (the
  person renews, nobody else can);
- tokens are replaced before they end, each refresh token once (S45);
- a revocation is true when the provider says so, and is asked for until then (S57); nothing is read and
  nothing is kept of purchases from the moment at which it was asked for.

Source: spec.md S45, S51, S57, S59, S60, X20, E10.
"""

import msgspec

from comptoir.actors.candidates.messages import KIND as CANDIDATES
from comptoir.actors.candidates.messages import ForgetLink
from comptoir.actors.card.messages import KIND as CARD
from comptoir.actors.card.messages import ReleaseCard
from comptoir.actors.connection.calendar import (
    all_timers,
    calendar,
    counted,
    ended,
    moved,
    struck,
    told,
    unread_changed,
)
from comptoir.actors.connection.healing import READING, first_reading
from comptoir.actors.connection.messages import (
    OWNERS,
    AccessRevoked,
    Condition,
    ConsentEnded,
    ExtendConsent,
    Noted,
    OpenConnection,
    ReadOn,
    RenewConsent,
    RetryRevocation,
    RevocationFailed,
    Revoke,
    RotateTokens,
    TokensRefused,
    Underway,
)
from comptoir.actors.connection.showing import shown
from comptoir.actors.connection.state import (
    AccessEnded,
    ConnectionLinked,
    ConnectionState,
    ConsentExtended,
    ConsentLapsed,
    ConsentRestored,
    ConsentShortened,
    Outcome,
    Phase,
    RevocationAsked,
)
from comptoir.actors.connection.tokens import ROTATION, rotation
from comptoir.actors.consent_week.messages import Became
from comptoir.actors.gateways.messages import RegisterWebhook, RevokeAccess, bank
from comptoir.actors.linking.messages import KIND as LINKING
from comptoir.actors.linking.messages import ConnectionOpened, ConnectionRefused, Renewal
from comptoir.engine import Address, Decision, Message, Outgoing, Put, Refusal
from comptoir.engine.machine import Context

__all__ = [
    "ask_again", "end", "extend", "ignore", "lapse", "lapsed", "refused", "renew",
    "reopen", "restore", "revoke", "revoked", "shorten", "still_revoking", "unrevoked",
]  # fmt: skip

REVOCATION = "revocation"
"""Name of a timer."""
REVOKE_AGAIN_MS = 3_600_000
"""Between two rounds of the gateway's own retries."""
ROTATE_AGAIN_MS = 60_000


def reopen(state: ConnectionState, message: OpenConnection, context: Context) -> Outcome:
    """A session has led here: the connection is known from now on, and may be read."""
    access = message.access
    session = Address(LINKING, message.session)
    known = state.phase in (Phase.LINKED, Phase.LAPSED, Phase.REVOKING)
    if known and (state.user_id != access.user_id or state.phase is Phase.REVOKING):
        return Decision(state, messages=(Outgoing(session, ConnectionRefused()),))
    opened = ConnectionState(
        Phase.LINKED,
        access.connection_id,
        access.user_id,
        access.provider,
        access.bank_name,
        access.card_last4,
        held=state.held,
        id=state.id or context.draw_id("cn"),
        card=access.card,
        tokens=access.tokens,
        consent=access.consent,
        consent_expires_at=access.consent_expires_at,
        linked_at=context.now,
        rotations=state.rotations + 1,
        cursor=state.cursor if access.account == state.account else "",
        counted=True,
        account=access.account,
    )
    webhook = RegisterWebhook(
        f"{opened.id}:{opened.rotations}",
        access.connection_id,
        "",
        message.webhook_url,
        context.address.key,
    )
    return Decision(
        opened,
        events=(ConnectionLinked(opened.user_id, opened.provider), _extended(opened)),
        messages=(
            Outgoing(session, _opened(opened)),
            Outgoing(bank(opened.provider), webhook),
            *first_reading(context),
            *rotation(opened, context),
            *calendar(opened, context),
            *ended(state, Became.RENEWED, context),
            counted(opened),
            *unread_changed(state, opened),
        ),
        cancel=struck(opened, context),
        release=True,
        documents=(
            shown(opened),
            Put(OWNERS, opened.id, {"key": context.address.key, "user_id": opened.user_id}),
        ),
    )


def extend(state: ConnectionState, message: ExtendConsent, context: Context) -> Outcome:
    """The new consent is in force, and the old one no more."""
    extended = msgspec.structs.replace(
        state,
        phase=Phase.LINKED,
        tokens=message.tokens,
        consent=message.consent,
        consent_expires_at=message.consent_expires_at,
        agreed_until=0,
        condition=None,
        rotations=state.rotations + 1,
        counted=True,
        unread=False,
        rotating=False,
    )
    return Decision(
        extended,
        events=(_extended(extended),),
        messages=(
            Outgoing(Address(LINKING, message.session), _opened(extended)),
            *(
                (Outgoing(context.address, ReadOn(), context.now, READING),)
                if state.agreed_until
                else ()
            ),
            *rotation(extended, context),
            *calendar(extended, context),
            *ended(state, Became.RENEWED, context),
            counted(extended),
            *unread_changed(state, extended),
        ),
        cancel=struck(extended, context),
        documents=(shown(extended),),
    )


def refused(state: ConnectionState, message: ExtendConsent, _context: Context) -> Outcome:
    """A renewal that came after the revocation: the revocation holds."""
    session = Address(LINKING, message.session)
    return Decision(state, messages=(Outgoing(session, ConnectionRefused()),))


def renew(state: ConnectionState, message: RenewConsent, context: Context) -> Outcome | Refusal:
    """Begin a session with what only the connection knows."""
    if state.tokens is None or state.consent is None:
        return Refusal("CONFLICT", "an imported connection has no consent to renew")
    renewal = Renewal(context.address.key, state.connection_id, state.tokens.access)
    consent = message.link.consent if message.link.consent.text_version else state.consent
    link = msgspec.structs.replace(
        message.link,
        user_id=state.user_id,
        provider=state.provider,
        consent=consent,
        renewal=renewal,
    )
    return Decision(
        state, Underway(), messages=(Outgoing(Address(LINKING, message.session), link),)
    )


def _extended(state: ConnectionState) -> ConsentExtended:
    consent = state.consent
    assert consent is not None
    return ConsentExtended(
        state.id,
        consent.text_version,
        consent.scope,
        consent.duration_days,
        state.consent_expires_at,
    )


def _opened(state: ConnectionState) -> ConnectionOpened:
    return ConnectionOpened(state.id, state.consent_expires_at, state.linked_at)


# The end of its time.


def lapsed(state: ConnectionState, _message: ConsentEnded, context: Context) -> Outcome:
    """Its time is over."""
    return lapse(state, "time", context)


def lapse(
    state: ConnectionState, why: str, context: Context, condition: Condition | None = None
) -> Outcome:
    """Nothing can be read any more until its person has renewed it (or the provider has repaired it)."""
    over = msgspec.structs.replace(
        state,
        phase=Phase.LAPSED,
        syncing=False,
        again=False,
        rotating=False,
        consent_expires_at=min(state.consent_expires_at, context.now),
        agreed_until=state.consent_expires_at if why == "provider" else 0,
        condition=condition,
    )
    return Decision(
        over,
        events=(ConsentLapsed(state.id, why),),
        messages=(
            *told(over, "connection_failed" if condition else "consent_ended", 0, context),
            *ended(state, Became.LAPSED, context),
        ),
        cancel=all_timers(context),
        documents=(shown(over),),
    )


def shorten(state: ConnectionState, until: int, context: Context) -> Outcome:
    """The provider's end of it is earlier than was thought: the calendar is drawn anew."""
    if state.consent is None or until >= state.consent_expires_at:
        return Decision(state, Noted())
    sooner = msgspec.structs.replace(state, consent_expires_at=max(until, context.now))
    return Decision(
        sooner,
        Noted(),
        events=(ConsentShortened(state.id, sooner.consent_expires_at),),
        messages=(
            *calendar(sooner, context),
            *moved(state, Became.LIVE, sooner.consent_expires_at),
        ),
        cancel=struck(sooner, context),
        documents=(shown(sooner),),
    )


def restore(state: ConnectionState, context: Context) -> Outcome:
    """The provider lets us read again: the consent of before is in force, if its time is not over."""
    if state.tokens is None or state.agreed_until <= context.now:
        return Decision(state, Noted())
    restored = msgspec.structs.replace(
        state,
        phase=Phase.LINKED,
        consent_expires_at=state.agreed_until,
        agreed_until=0,
        condition=None,
    )
    return Decision(
        restored,
        Noted(),
        events=(ConsentRestored(state.id),),
        messages=(
            Outgoing(context.address, ReadOn(), context.now, READING),
            *rotation(restored, context),
            *calendar(restored, context),
            *moved(state, Became.LIVE, restored.consent_expires_at),
        ),
        cancel=struck(restored, context),
        documents=(shown(restored),),
    )


# Tokens (what replaces them is in tokens.py).


def end(state: ConnectionState, message: TokensRefused, context: Context) -> Outcome:
    """Away: ask again, as the same rotation. No: the consent has ended over there."""
    if message.final:
        return lapse(state, "provider", context)
    again = Outgoing(context.address, RotateTokens(), context.now + ROTATE_AGAIN_MS, ROTATION)
    return Decision(state, messages=(again,))


# The end of it.


def revoke(state: ConnectionState, _message: Revoke, context: Context) -> Outcome | Refusal:
    """From now on nothing is read; the provider is told until it has understood."""
    if state.tokens is None:
        return Refusal("CONFLICT", "an imported connection has no access that could be revoked")
    revoking = msgspec.structs.replace(state, phase=Phase.REVOKING, syncing=False)
    forget = Outgoing(Address(CANDIDATES, state.user_id), ForgetLink(context.address.key))
    return Decision(
        revoking,
        Underway(),
        events=(RevocationAsked(state.id),),
        messages=(_revocation(state, context), forget, *ended(state, Became.REVOKED, context)),
        cancel=all_timers(context),
        documents=(shown(revoking),),
    )


def _revocation(state: ConnectionState, context: Context) -> Outgoing:
    reference = f"{state.id}:{state.rotations}"
    asked = RevokeAccess(reference, state.connection_id, "", context.address.key)
    return Outgoing(bank(state.provider), asked)


def still_revoking(state: ConnectionState, _message: Revoke, _context: Context) -> Outcome:
    """Asked for already; where it is done, nothing is left to do."""
    return Decision(state, Underway())


def unrevoked(state: ConnectionState, _message: RevocationFailed, context: Context) -> Outcome:
    """The gateway has given up: come back to it."""
    at = context.now + REVOKE_AGAIN_MS
    return Decision(state, messages=(Outgoing(context.address, RetryRevocation(), at, REVOCATION),))


def ask_again(state: ConnectionState, _message: RetryRevocation, context: Context) -> Outcome:
    """Until it is true."""
    return Decision(state, messages=(_revocation(state, context),))


def revoked(state: ConnectionState, _message: AccessRevoked, context: Context) -> Outcome:
    """It is true: tokens are forgotten, and the card is free."""
    over = msgspec.structs.replace(
        state,
        phase=Phase.REVOKED,
        tokens=None,
        consent=None,
        connection_id="",
        cursor="",
        account="",
        agreed_until=0,
        condition=None,
    )
    return Decision(
        over,
        events=(AccessEnded(state.id),),
        messages=(Outgoing(Address(CARD, state.card), ReleaseCard(context.address.key)),),
        documents=(shown(over),),
    )


def ignore(state: ConnectionState, _message: Message, _context: Context) -> Outcome:
    """It was on its way when that came which made it pointless."""
    return Decision(state)
