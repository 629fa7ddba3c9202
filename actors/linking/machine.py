"""The linking session's machine: from a person's consent to a connection, within its ten minutes.

Rules:
- nobody but who started it can end it: `state` is single-use and known by its digest only, the code is
  worth something to whoever has the verifier (PKCE), and completing it takes the same user, and where
  `connections.return_secret` is on what the browser that came back from the bank was given;
- a session that does not lead to a connection leaves no access behind: what the provider has granted, or has
  begun for it and would keep, is given back, until it says so;
- it holds what it needs until it has ended, and not longer.

Source: spec.md S45, S48, S57, S60, S66; RFC 7636; RFC 9700 sections 2.1.1 and 4.7 (state); OWASP ASVS 5, 10.1.2.
"""

from comptoir.actors.connection.messages import AccessRevoked, RetryRevocation, RevocationFailed
from comptoir.actors.linking import steps
from comptoir.actors.linking.messages import (
    KIND,
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
    LookAtLink,
    OpenLink,
    ProviderFailed,
    ReturnFromBank,
)
from comptoir.actors.linking.state import LinkState, Phase
from comptoir.engine import Message, Reply
from comptoir.engine.machine import Machine, Row, row

__all__ = ["MACHINE", "REPLIES"]

UNKNOWN, STARTING, AUTHORIZING = Phase.UNKNOWN, Phase.STARTING, Phase.AUTHORIZING
RETURNED, EXCHANGING, READING = Phase.RETURNED, Phase.EXCHANGING, Phase.READING
CLAIMING, CONNECTING, LINKED, ENDED = (
    Phase.CLAIMING,
    Phase.CONNECTING,
    Phase.LINKED,
    Phase.ENDED,
)


def _asked(phase: Phase, *decided: type[Message]) -> tuple[Row, ...]:
    """Whatever is asked of it in a phase that does nothing about it: how it stands."""
    return tuple(
        row(phase, message, steps.look, phase)
        for message in (OpenLink, ReturnFromBank, CompleteLink, LookAtLink)
        if message not in decided
    )


MACHINE: Machine[LinkState] = Machine(
    KIND,
    phases=Phase,
    messages=(
        OpenLink, LinkStarted, ProviderFailed, ReturnFromBank, CompleteLink, CodeExchanged, AccountsRead,
        CardClaimed, CardTaken, ConnectionOpened, ConnectionRefused, LookAtLink, LinkExpired, AccessRevoked,
        RevocationFailed, RetryRevocation,
    ),
    rows=(
        row(UNKNOWN, OpenLink, steps.open_link, STARTING),
        *_asked(UNKNOWN, OpenLink),
        *_asked(STARTING),
        row(STARTING, LinkStarted, steps.started, AUTHORIZING),
        row(STARTING, ProviderFailed, steps.failed, ENDED),
        row(STARTING, LinkExpired, steps.expire, ENDED),
        row(AUTHORIZING, ReturnFromBank, steps.returned, AUTHORIZING, RETURNED, EXCHANGING, ENDED),
        *_asked(AUTHORIZING, ReturnFromBank),
        row(AUTHORIZING, LinkExpired, steps.expire, ENDED),
        row(RETURNED, CompleteLink, steps.complete, RETURNED, EXCHANGING),
        *_asked(RETURNED, CompleteLink),
        row(RETURNED, LinkExpired, steps.expire, ENDED),
        *_asked(EXCHANGING),
        row(EXCHANGING, CodeExchanged, steps.exchanged, READING, ENDED),
        row(EXCHANGING, ProviderFailed, steps.failed, ENDED),
        row(EXCHANGING, LinkExpired, steps.expire, ENDED),
        *_asked(READING),
        row(READING, AccountsRead, steps.accounts_read, CLAIMING, CONNECTING),
        row(READING, ProviderFailed, steps.failed, ENDED),
        row(READING, LinkExpired, steps.expire, ENDED),
        *_asked(CLAIMING),
        row(CLAIMING, CardClaimed, steps.claimed, CONNECTING),
        row(CLAIMING, CardTaken, steps.card_taken, ENDED),
        row(CLAIMING, LinkExpired, steps.wait, CLAIMING),  # the card answers, whatever is away
        *_asked(CONNECTING),
        row(CONNECTING, ConnectionOpened, steps.opened, LINKED),
        row(CONNECTING, ConnectionRefused, steps.connection_refused, ENDED),
        row(CONNECTING, LinkExpired, steps.wait, CONNECTING),
        *_asked(LINKED),
        row(LINKED, LinkExpired, steps.wait, LINKED),
        *_asked(ENDED),
        row(ENDED, LinkExpired, steps.wait, ENDED),
        row(ENDED, LinkStarted, steps.started_late, ENDED),
        row(ENDED, ProviderFailed, steps.wait, ENDED),
        row(ENDED, AccountsRead, steps.wait, ENDED),
        row(ENDED, CodeExchanged, steps.exchanged_late, ENDED),
        row(ENDED, AccessRevoked, steps.given_back, ENDED),
        row(ENDED, RevocationFailed, steps.not_given_back, ENDED),
        row(ENDED, RetryRevocation, steps.give_back_again, ENDED),
    ),
    terminal=(LINKED, ENDED),
)  # fmt: skip

REPLIES: tuple[type[Reply], ...] = (LinkStood,)
