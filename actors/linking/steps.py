"""What the rows of a linking session's table do (machine.py has the rules)."""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256

import msgspec

from comptoir.actors.card.messages import KIND as CARD
from comptoir.actors.card.messages import ClaimCard, ReleaseCard
from comptoir.actors.connection.messages import KIND as CONNECTION
from comptoir.actors.connection.messages import (
    Access,
    AccessRevoked,
    ExtendConsent,
    OpenConnection,
    RetryRevocation,
    RevocationFailed,
)
from comptoir.actors.gateways.messages import (
    ExchangeCode,
    ReadAccounts,
    RevokeAccess,
    StartLink,
    Tokens,
    bank,
)
from comptoir.actors.linking.messages import (
    ALREADY_LINKED,
    FAILED,
    AccountsRead,
    CardClaimed,
    CardTaken,
    CodeExchanged,
    CompleteLink,
    ConnectionOpened,
    ConnectionRefused,
    LinkExpired,
    LinkStarted,
    LinkStood,
    OpenLink,
    ProviderFailed,
    ReturnFromBank,
)
from comptoir.actors.linking.state import (
    ConsentGiven,
    ConsentGivenAtBank,
    Granted,
    LinkEnded,
    LinkState,
    Outline,
    Phase,
)
from comptoir.actors.programme import DAY_MS
from comptoir.engine import Address, Decision, Message, Outgoing
from comptoir.engine.machine import Context

__all__ = [
    "CALLBACK_PATH", "accounts_read", "card_taken", "claimed", "complete", "connection_refused", "digest_of",
    "exchanged", "exchanged_late", "expire", "failed", "give_back_again", "given_back", "look",
    "not_given_back", "open_link", "opened", "returned", "started", "started_late", "wait",
]  # fmt: skip

CALLBACK_PATH = "/link/callback"
WEBHOOK_PATHS = {"seed": "/webhooks/banking"}
"""Of the provider of the source; the others have their name in it (interface.md 6)."""
EXPIRY, GIVING_BACK = "expiry", "revocation"
GIVE_BACK_AGAIN_MS = 3_600_000
_WORKING = (Phase.EXCHANGING, Phase.READING, Phase.CLAIMING, Phase.CONNECTING)

Outcome = Decision[LinkState]


def digest_of(secret: str) -> str:
    """By which the secret of a `state` is known."""
    return sha256(secret.encode()).hexdigest()


def _challenge(verifier: str) -> str:
    """RFC 7636 section 4.2, S256."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _stood(state: LinkState, *, taken: bool = True) -> LinkStood:
    outline, granted = state.outline, state.granted
    phase = "working" if state.phase in _WORKING else state.phase.value
    if outline is None:
        return LinkStood(phase, taken=taken)
    return LinkStood(
        phase, outline.user_id, outline.redirect_uri, state.auth_url, outline.expires_at, state.why,
        outline.provider, state.opened, granted.bank_name if granted else "",
        granted.card_last4 if granted else "", taken,
    )  # fmt: skip


def look(state: LinkState, message: Message, _context: Context) -> Outcome:
    """How it stands; a return, and what cannot be completed, are told that they were not taken."""
    taken = not isinstance(message, ReturnFromBank) and not (
        isinstance(message, CompleteLink)
        and (state.outline is None or message.user_id != state.outline.user_id)
    )
    return Decision(state, _stood(state, taken=taken))


def wait(state: LinkState, _message: Message, _context: Context) -> Outcome:
    """Nothing follows from it any more."""
    return Decision(state)


def open_link(_state: LinkState, message: OpenLink, context: Context) -> Outcome:
    """The consent is on record before the provider is asked anything."""
    me, consent, renewal = context.address, message.consent, message.renewal
    expires_at = context.now + message.lifetime_ms
    outline = Outline(
        me.key, message.user_id, message.provider, message.redirect_uri, message.our_uri, consent,
        expires_at, renewal,
    )  # fmt: skip
    state = LinkState(Phase.STARTING, outline, digest_of(message.secret), message.verifier)
    start = StartLink(
        me.key, message.our_uri + CALLBACK_PATH, f"{me.key}.{message.secret}",
        _challenge(message.verifier), consent.duration_days,
        renewal.connection_id if renewal else "", renewal.access if renewal else "", message.user_id,
    )  # fmt: skip
    given = ConsentGiven(
        message.user_id, message.device_id, message.provider, consent.text_version, consent.scope,
        consent.duration_days, renewal is not None,
    )  # fmt: skip
    return Decision(
        state,
        _stood(state),
        events=(given,),
        messages=(
            Outgoing(bank(message.provider), start),
            Outgoing(me, LinkExpired(), expires_at, EXPIRY),
        ),
    )


def started(state: LinkState, message: LinkStarted, _context: Context) -> Outcome:
    """The person may go."""
    waiting = msgspec.structs.replace(
        state,
        phase=Phase.AUTHORIZING,
        auth_url=message.auth_url,
        code=message.code,
        begun=message.begun,
    )
    return Decision(waiting)


def started_late(state: LinkState, message: LinkStarted, context: Context) -> Outcome:
    """It has ended meanwhile: what was begun for it is ended, too."""
    outline = state.outline
    assert outline is not None
    begun = _begun(outline, message.begun)
    if begun is None:
        return Decision(state)
    kept = msgspec.structs.replace(state, granted=begun)
    return Decision(kept, messages=(_giving_back(outline, begun, context),))


def returned(state: LinkState, message: ReturnFromBank, context: Context) -> Outcome:
    """They are back. `state` is good once, and only from whoever has it to the letter."""
    outline = state.outline
    assert outline is not None
    code = message.code or state.code
    nothing = not code and not message.error
    if nothing or not hmac.compare_digest(message.digest.encode(), state.digest.encode()):
        return Decision(state, _stood(state, taken=False))
    if message.error or context.now >= outline.expires_at:
        over = _abandon(state, FAILED, context, "refused_at_bank" if message.error else "expired")
        return msgspec.structs.replace(over, reply=_stood(over.state))
    back = msgspec.structs.replace(
        state, phase=Phase.RETURNED, code=code, digest="", auth_url="", proof=message.proof
    )
    if outline.renewal is None:
        return Decision(back, _stood(back))
    return _exchange(back, context)


def complete(state: LinkState, message: CompleteLink, context: Context) -> Outcome:
    """The app wants it; another user's is not even there, and nor is one that somebody else came back for:
    who began a session may have sent another to the bank in their place.
    """
    outline = state.outline
    assert outline is not None
    theirs = hmac.compare_digest(message.proof.encode(), state.proof.encode()) or not state.proof
    if message.user_id != outline.user_id or not theirs:
        return Decision(state, _stood(state, taken=False))
    return _exchange(msgspec.structs.replace(state, expected=message.connection_id), context)


def _exchange(state: LinkState, context: Context) -> Outcome:
    outline = state.outline
    assert outline is not None
    asked = ExchangeCode(
        context.address.key,
        state.code,
        state.verifier,
        outline.our_uri + CALLBACK_PATH,
        outline.renewal.access if outline.renewal else "",
    )
    working = msgspec.structs.replace(state, phase=Phase.EXCHANGING)
    return Decision(working, _stood(working), messages=(Outgoing(bank(outline.provider), asked),))


def exchanged(state: LinkState, message: CodeExchanged, context: Context) -> Outcome:
    """Access is there; is it to what was meant?"""
    outline = state.outline
    assert outline is not None
    granted = Granted(message.connection_id, message.connection, message.tokens)
    meant = outline.renewal.connection_id if outline.renewal else state.expected
    reading = msgspec.structs.replace(
        state, phase=Phase.READING, granted=granted, code="", verifier=""
    )
    if meant and meant != message.connection_id:
        return _abandon(reading, FAILED, context)
    asked = ReadAccounts(
        context.address.key, message.connection_id, message.tokens.access, outline.user_id
    )
    return Decision(reading, messages=(Outgoing(bank(outline.provider), asked),))


def accounts_read(state: LinkState, message: AccountsRead, context: Context) -> Outcome:
    """Bank and card are known: a new one is claimed, a renewed one is told of its new consent."""
    outline, granted = state.outline, state.granted
    assert outline is not None
    assert granted is not None
    assert granted.tokens is not None
    agreed_until = context.now + outline.consent.duration_days * DAY_MS
    expires_at = min(message.consent_expires_at or agreed_until, agreed_until)
    known = msgspec.structs.replace(
        granted,
        card=message.card,
        bank_name=message.bank_name,
        card_last4=message.card_last4,
        consent_expires_at=expires_at,
        account=message.account,
    )
    event = ConsentGivenAtBank(outline.user_id, outline.provider, message.bank_name, expires_at)
    if outline.renewal is None:
        claim = ClaimCard(context.address.key, granted.connection)
        told, phase = Outgoing(Address(CARD, message.card), claim), Phase.CLAIMING
    else:
        extend = ExtendConsent(context.address.key, granted.tokens, outline.consent, expires_at)
        told, phase = Outgoing(Address(CONNECTION, outline.renewal.key), extend), Phase.CONNECTING
    going_on = msgspec.structs.replace(state, phase=phase, granted=known)
    return Decision(going_on, events=(event,), messages=(told,))


def claimed(state: LinkState, _message: CardClaimed, context: Context) -> Outcome:
    """The card is this connection's: it may be opened."""
    outline, granted = state.outline, state.granted
    assert outline is not None
    assert granted is not None
    assert granted.tokens is not None
    access = Access(
        granted.connection_id, outline.provider, outline.user_id, granted.bank_name, granted.card_last4,
        granted.card, granted.tokens, outline.consent, granted.consent_expires_at, granted.account,
    )  # fmt: skip
    path = WEBHOOK_PATHS.get(outline.provider, f"/webhooks/{outline.provider}")
    opening = OpenConnection(context.address.key, access, outline.our_uri + path)
    return Decision(
        msgspec.structs.replace(state, phase=Phase.CONNECTING),
        messages=(Outgoing(Address(CONNECTION, granted.connection), opening),),
    )


def card_taken(state: LinkState, _message: CardTaken, context: Context) -> Outcome:
    """Another connection has the card."""
    return _abandon(state, ALREADY_LINKED, context)


def opened(state: LinkState, message: ConnectionOpened, _context: Context) -> Outcome:
    """The connection is there, and has the tokens: they are forgotten here."""
    assert state.outline is not None
    assert state.granted is not None
    linked = LinkState(
        Phase.LINKED,
        _outlived(state.outline),
        granted=msgspec.structs.replace(state.granted, tokens=None, connection_id=""),
        opened=message,
    )
    return Decision(linked, cancel=(EXPIRY,))


def connection_refused(state: LinkState, _message: ConnectionRefused, _context: Context) -> Outcome:
    """The connection is somebody else's, or was revoked meanwhile. Nothing is given back to the provider:
    it has one access for both, and would end the other's.
    """
    outline, granted = state.outline, state.granted
    assert outline is not None
    assert granted is not None
    why = FAILED if outline.renewal else ALREADY_LINKED
    release = Outgoing(Address(CARD, granted.card), ReleaseCard(granted.connection))
    return Decision(
        _ended(state, why),
        events=(LinkEnded(outline.user_id, why),),
        messages=() if outline.renewal else (release,),
        cancel=(EXPIRY,),
    )


def failed(state: LinkState, message: ProviderFailed, context: Context) -> Outcome:
    """The provider did not."""
    return _abandon(state, message.code, context)


def expire(state: LinkState, _message: LinkExpired, context: Context) -> Outcome:
    """Ten minutes are over (S45, S48)."""
    return _abandon(state, FAILED, context)


def _outlived(outline: Outline) -> Outline:
    """Without what only a session under way needs."""
    renewal = outline.renewal
    if renewal is not None:
        renewal = msgspec.structs.replace(renewal, access="")
    return msgspec.structs.replace(outline, renewal=renewal)


def _ended(state: LinkState, why: str, granted: Granted | None = None) -> LinkState:
    assert state.outline is not None
    return LinkState(Phase.ENDED, _outlived(state.outline), granted=granted, why=why)


def _abandon(state: LinkState, why: str, context: Context, cause: str = "") -> Outcome:
    """End without a connection, and give back what the provider has granted or begun for it.

    Args:
        state: under way.
        why: the code that whoever looks is told.
        context: of the decision.
        cause: what is recorded, where that is another word.
    """
    outline = state.outline
    assert outline is not None
    granted = state.granted or _begun(outline, state.begun)
    if outline.renewal is not None:
        granted = None  # a renewal's access is its connection's
    ended = _ended(state, why, granted)
    messages = () if granted is None else (_giving_back(outline, granted, context),)
    event = LinkEnded(outline.user_id, cause or why)
    return Decision(ended, events=(event,), messages=messages, cancel=(EXPIRY,))


def _begun(outline: Outline, begun: str) -> Granted | None:
    """What is to be ended of a link that was only begun; None: nothing."""
    if not begun or outline.renewal is not None:
        return None
    return Granted(begun, "", Tokens("", "", 0))


def _giving_back(outline: Outline, granted: Granted, context: Context) -> Outgoing:
    assert granted.tokens is not None
    asked = RevokeAccess(context.address.key, granted.connection_id, granted.tokens.access)
    return Outgoing(bank(outline.provider), asked)


def exchanged_late(state: LinkState, message: CodeExchanged, context: Context) -> Outcome:
    """Access came after the session's end: it is given back."""
    outline = state.outline
    assert outline is not None
    if outline.renewal is not None:
        return Decision(state)
    granted = Granted(message.connection_id, message.connection, message.tokens)
    kept = msgspec.structs.replace(state, granted=granted)
    return Decision(kept, messages=(_giving_back(outline, granted, context),))


def given_back(state: LinkState, _message: AccessRevoked, _context: Context) -> Outcome:
    """It is true: forget the tokens."""
    return Decision(msgspec.structs.replace(state, granted=None))


def not_given_back(state: LinkState, _message: RevocationFailed, context: Context) -> Outcome:
    """The gateway has given up: come back to it."""
    at = context.now + GIVE_BACK_AGAIN_MS
    return Decision(
        state, messages=(Outgoing(context.address, RetryRevocation(), at, GIVING_BACK),)
    )


def give_back_again(state: LinkState, _message: RetryRevocation, context: Context) -> Outcome:
    """Until it is true."""
    if state.outline is None or state.granted is None:
        return Decision(state)
    return Decision(state, messages=(_giving_back(state.outline, state.granted, context),))
