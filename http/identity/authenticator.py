"""From the Authorization header of a request to its principal.

The rule: exactly one header, `Bearer` and one token; the token's issuer is one of ours by exact text, or
it is nobody's; each issuer has its own keys, its own audience and its own rule for types, so that no
token of the one passes for a token of the other. What was ended before its time is refused, by a list in
memory (our own tokens; a provider ends its own). Every refusal is the same to the outside, but for the two
that are no fault of the caller's: an issuer whose keys cannot be had, and our list while we start.
Source: RFC 6750 section 2.1; RFC 9110 section 11.1 (a scheme knows no case); RFC 9068 section 4;
spec.md S34, S62; interface.md 9.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from comptoir.http.identity.claims import ROLES_CLAIM, Claims, Expected, principal_of, read
from comptoir.http.identity.compact import TypeRule, take_apart
from comptoir.http.identity.issuing import AUDIENCE
from comptoir.http.identity.keys import PublicKey
from comptoir.http.identity.provider import Provider
from comptoir.http.identity.refused import TokenRefused
from comptoir.http.identity.signing import SigningKeys
from comptoir.http.identity.tokens import verified
from comptoir.http.principal import Principal, Unauthenticated, Undecided

__all__ = [
    "ExternalIssuer",
    "Issuer",
    "OwnIssuer",
    "TokenAuthenticator",
    "TokenStatistics",
    "wall_seconds",
]

_BEARER: Final = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] [A-Za-z0-9._~+/=-]+").fullmatch

KEYS_RETRY_SECONDS: Final = 10
"""What a caller is told to wait while an issuer is away: the default of
auth.external.keys_retry_s, within which nobody asks it twice."""

UNDECIDED: Final = {"keys_unavailable": KEYS_RETRY_SECONDS, "revocations_unknown": 1}
"""Words that say nothing against a token: what a caller is told to wait."""

Seconds = Callable[[], int]
"""Wall time in whole seconds since 1970."""
Held = Callable[[Claims], None]
"""Looks at claims that hold; raises TokenRefused where they are over all the same."""


class Issuer(Protocol):
    """Somebody whose tokens are taken."""

    @property
    def name(self) -> str:
        """`iss`."""
        ...

    @property
    def audience(self) -> str:
        """What its tokens name us in `aud`."""
        ...

    @property
    def roles_claim(self) -> str:
        """Which claim has the roles."""
        ...

    @property
    def type_rule(self) -> TypeRule:
        """Which `typ` its tokens have."""
        ...

    async def find(self, key_id: str | None, now: int) -> PublicKey | None:
        """Its key of that `kid`.

        Raises:
            TokenRefused: `keys_unavailable`.
        """
        ...

    def hold(self, claims: Claims) -> None:
        """Look at claims that hold.

        Raises:
            TokenRefused: `revoked`, `revocations_unknown`.
        """
        ...


class OwnIssuer:
    """This daemon, by the keys of its data folder."""

    def __init__(self, name: str, keys: SigningKeys, hold: Held = lambda _claims: None) -> None:
        """Args: `iss` of our tokens; what they are signed with; what they are held to beside."""
        self._held = hold
        self.name = name
        self.audience = AUDIENCE
        self.roles_claim = ROLES_CLAIM
        self.type_rule: TypeRule = "rfc9068"
        self._keys = keys

    async def find(self, key_id: str | None, now: int) -> PublicKey | None:
        """Our key of that `kid`; a token that names none is not ours."""
        return self._keys.find(key_id, now)

    def hold(self, claims: Claims) -> None:
        """Refuse what was ended before its time."""
        self._held(claims)


class ExternalIssuer:
    """An OpenID provider, by the keys that it publishes."""

    def __init__(self, provider: Provider) -> None:
        """Args: its keys, and what its tokens are held to."""
        self.name = provider.rules.issuer
        self.audience = provider.rules.audience
        self.roles_claim = provider.rules.roles_claim
        self.type_rule: TypeRule = provider.rules.type_rule
        self._provider = provider

    async def find(self, key_id: str | None, now: int) -> PublicKey | None:
        """Its key of that `kid`; how old its keys are is told by I/O time, not by ours."""
        del now
        return await self._provider.find(key_id)

    def hold(self, claims: Claims) -> None:
        """Say nothing: whoever issued them ends them."""


@dataclass(frozen=True, slots=True)
class TokenStatistics:
    """What became of the tokens so far."""

    accepted: int
    refused: Mapping[str, int]
    """By word, of which there is a fixed number."""


def wall_seconds() -> int:
    """Wall time. Not business time: tokens are dated by other programs, which no test moves."""
    return int(time.time())


class TokenAuthenticator:
    """Verifies bearer tokens of the issuers that it was given (an `Authenticator`)."""

    def __init__(self, issuers: Sequence[Issuer], now: Seconds = wall_seconds) -> None:
        """Args: who may vouch for callers, each with a name of its own; the clock of `exp`."""
        self._issuers: dict[str, Issuer] = {}
        self._now = now
        self._accepted = 0
        self._refused: Counter[str] = Counter()
        for issuer in issuers:
            self.trust(issuer)

    def __repr__(self) -> str:
        return f"<TokenAuthenticator of {len(self._issuers)} issuers, {self._accepted} accepted>"

    def trust(self, issuer: Issuer) -> None:
        """Take the tokens of one more issuer from now on."""
        assert issuer.name not in self._issuers, "two issuers of one name"
        self._issuers[issuer.name] = issuer

    def statistics(self) -> TokenStatistics:
        """What became of the tokens so far."""
        return TokenStatistics(self._accepted, dict(self._refused))

    async def principal(self, authorization: list[str]) -> Principal:
        """Judge the values of all Authorization headers of one request.

        Raises:
            Unauthenticated: with `missing`, `repeated`, `not_bearer`, or a word of
                `refused.TOKEN_REASONS`.
            Undecided: with a word of `UNDECIDED`.
        """
        reason = _form_fault(authorization)
        if reason is None:
            try:
                principal = await self._principal(authorization[0].partition(" ")[2])
            except TokenRefused as refused:
                reason = refused.reason
            else:
                self._accepted += 1
                return principal
        self._refused[reason] += 1
        if reason in UNDECIDED:
            raise Undecided(reason, UNDECIDED[reason])
        raise Unauthenticated(
            reason
        )  # outside the handler: what is logged has no trace of the token

    async def _principal(self, text: str) -> Principal:
        issuer, claims = await self.judge(text)
        principal = principal_of(claims, issuer.roles_claim)
        if not isinstance(issuer, OwnIssuer):  # of another's `sid` we know nothing
            return principal
        return replace(principal, session=str(claims.get("sid", "")))

    async def judge(self, text: str) -> tuple[Issuer, Claims]:
        """Who has issued a token that holds, and what it claims.

        Raises:
            TokenRefused: see `refused.TOKEN_REASONS`.
        """
        token = take_apart(text)
        # Not believed yet: it only says whose keys are to be tried, and `verified` asks again.
        claimed = read(token.payload).get("iss")
        issuer = self._issuers.get(claimed) if isinstance(claimed, str) else None
        if issuer is None:
            raise TokenRefused("issuer_unknown", "iss is nobody's whom we trust")
        now = self._now()
        key = await issuer.find(token.key_id, now)
        claims = verified(token, key, Expected(issuer.name, issuer.audience, now), issuer.type_rule)
        issuer.hold(claims)
        return issuer, claims


def _form_fault(authorization: list[str]) -> str | None:
    """What is wrong with the headers of a request before there is a token; None if nothing is."""
    if len(authorization) != 1:
        return "repeated" if authorization else "missing"
    return None if _BEARER(authorization[0]) else "not_bearer"
