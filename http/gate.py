"""The gate in front of every operation: who is there, how often, and whether it may.

The rule: a request passes in this order, and the first no is the answer: the host name (while there
are no tokens), whether it comes from this machine (where only that may), the token or, where none is
given, the cookie of a client's browser, the caller's minute, the role, how they signed in, the object. Everything that has
neither, or none that holds, counts against its address, so tokens and cookies cannot be tried out
faster than S62 lets anybody ask. Where there is no authenticator, everything on this machine is
allowed (auth.mode = loopback).
Source: spec.md S34, S62, X7, X28, X29; interface.md 1, 6 and 9; RFC 6750 section 3;
RFC 9470 section 3 (a sign-in that is not enough).
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

import structlog
import trio

from comptoir.http import peers
from comptoir.http.answers import Headers, Response
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.limits import Count, Limits
from comptoir.http.operation import EVERYBODY, OWNER, Access, Assurance, Door, Operation, Owner
from comptoir.http.policy import AGED, decide, lacks
from comptoir.http.principal import Authenticator, Principal, Unauthenticated, Undecided
from comptoir.http.problems import problem
from comptoir.http.rates import Rates
from comptoir.http.rules import EdgeRules, StepUpRules

__all__ = ["Asked", "Browsers", "Gate", "Passage"]

_LOCAL_NAME = re.compile(r"(?:[a-z0-9-]+\.)*localhost\.?").fullmatch
_REALM: Final = 'Bearer realm="comptoir"'
NO_TOKEN: Final = _REALM.encode()
"""RFC 6750, 3.1: who gave nothing is told of no error."""
BAD_TOKEN: Final = f'{_REALM}, error="invalid_token"'.encode()
PROBES_PER_MINUTE: Final = 600
"""Of one address, for health: ten a second, where orchestrators ask once in one to ten; S62's hundred would take
a daemon out of service behind an impatient one, and none would let anybody keep us busy without a token."""
NO_RIGHT: Final = f'{_REALM}, error="insufficient_scope"'.encode()

_log = structlog.stdlib.get_logger("comptoir.http.gate")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as admission goes."""

    ticket: str
    """The request id."""
    operation: Operation | None
    """None: there is no such path, or it does not take this method."""
    path: Mapping[str, str]
    """The variables of the path."""
    headers: list[tuple[bytes, bytes]]
    """As received, names in lower case."""
    peer: str | None
    """The socket's other end; None where it has no IP address."""

    def values(self, name: bytes) -> list[str]:
        """Every value of a header, in order."""
        return [value.decode("latin-1") for given, value in self.headers if given == name]


@dataclass(frozen=True, slots=True)
class Passage:
    """What became of it."""

    refusal: Response | None = None
    access: Access = EVERYBODY
    principal: Principal | None = None
    headers: Headers = field(default_factory=list[tuple[bytes, bytes]])
    """Whatever the answer is, it carries these."""
    source: str = ""
    """As `Call.source`."""


Browsers = Callable[[Asked], Awaitable[Principal | None]]
"""Who has signed in with the browser that asks; None: nobody who may call the API by it."""


class Gate:
    """The gate of one daemon."""

    def __init__(
        self,
        rules: EdgeRules,
        authenticator: Authenticator | None,
        limits: Limits | None,
        browsers: Browsers | None = None,
    ) -> None:
        """Hold these rules; without an authenticator there are no accounts, without limits none, without
        browsers no cookies.
        """
        self._browsers = browsers
        self._rules = rules
        self._authenticator = authenticator
        self._limits = limits
        self._probes = None if limits is None else Rates(PROBES_PER_MINUTE)

    def __repr__(self) -> str:
        """Show what is held."""
        tokens = "no tokens" if self._authenticator is None else "tokens"
        return f"Gate({tokens}, {self._limits!r})"

    async def admit(self, asked: Asked) -> Passage:
        """Judge one request."""
        hosts = asked.values(b"host")
        if self._rules.loopback_only and not _is_local_name(hosts):
            return Passage(problem("FORBIDDEN", asked.ticket))
        operation = asked.operation
        if operation is not None and operation.door is Door.LOCAL:
            if peers.is_loopback(asked.peer, asked.headers) and _is_local_name(hosts):
                return Passage()
            count = self._count_address(asked)
            unknown = Passage(problem("NOT_FOUND", asked.ticket), headers=_told(count))
            return _over(asked, count) or unknown
        if operation is not None and operation.door is Door.TOKEN and self._authenticator:
            return await self._with_token(asked, operation, self._authenticator)
        if operation is not None and operation.probed and not self._may_probe(asked):
            return Passage(problem("RATE_LIMITED", asked.ticket, retry_after_s=1))
        count = self._count_address(asked) if operation is None or operation.limited else None
        source = peers.name_of(self._address(asked))
        return _over(asked, count) or Passage(headers=_told(count), source=source)

    async def _with_token(
        self, asked: Asked, operation: Operation, authenticator: Authenticator
    ) -> Passage:
        """Judge a request that needs a token, or the cookie in its place."""
        given = asked.values(b"authorization")
        browsers = self._browsers if asked.values(b"cookie") and not given else None
        over = _over(asked, self._stands(asked)) if browsers else None
        if over is not None:
            return over  # before the journal is read for a cookie that nobody has
        try:
            principal = await browsers(asked) if browsers else None
            if principal is None:
                principal = await authenticator.principal(given)
        except Unauthenticated as error:
            count = self._count_address(asked)
            over = _over(asked, count)
            if over is not None:
                return over  # and no line of log for each, which anybody could fill it with
            _log.info("unauthenticated", reason=error.reason, request_id=asked.ticket)
            return _unauthenticated(asked, given, count)
        except Undecided as error:
            count = self._count_address(asked)
            _log.warning("undecided", reason=error.reason, request_id=asked.ticket)
            away = problem("ISSUER_UNAVAILABLE", asked.ticket, retry_after_s=error.retry_after_s)
            return _over(asked, count) or Passage(away, headers=_told(count))
        count = self._count_principal(principal)
        over = _over(asked, count)
        if over is not None:
            return over
        access = decide(operation, principal)
        headers = _told(count)
        if access is None:
            _log.info("forbidden", operation=operation.id, request_id=asked.ticket)
            refusal = problem("FORBIDDEN", asked.ticket)
            refusal.headers.append((b"www-authenticate", NO_RIGHT))
            return Passage(refusal, headers=headers)
        if lacks(operation, principal, self._rules.step_up, wall_seconds()):
            _log.info("step_up", operation=operation.id, request_id=asked.ticket)
            return Passage(_step_up(asked, operation, self._rules.step_up), headers=headers)
        if operation.owner is Owner.PATH and not access.covers(asked.path[OWNER]):
            return Passage(problem("NOT_FOUND", asked.ticket), headers=headers)
        return Passage(None, access, principal, headers)

    def _may_probe(self, asked: Asked) -> bool:
        """Whether an address may ask for our health once more; this machine always may."""
        if self._probes is None or peers.is_loopback(asked.peer, asked.headers):
            return True
        return self._probes.take(peers.name_of(self._address(asked)), trio.current_time())

    def _count_principal(self, principal: Principal) -> Count | None:
        return None if self._limits is None else self._limits.principal(principal)

    def _count_address(self, asked: Asked, *, counted: bool = True) -> Count | None:
        """Count against the address that the request comes from (X28)."""
        if self._limits is None:
            return None
        return self._limits.address(self._address(asked), counted=counted)

    def _address(self, asked: Asked) -> peers.Address | None:
        forwarded = peers.forwarded_for(asked.headers)
        return peers.client(asked.peer, forwarded, self._rules.trusted_proxies)

    def _stands(self, asked: Asked) -> Count | None:
        """Where the address stands, nothing counted."""
        return self._count_address(asked, counted=False)


def _told(count: Count | None) -> Headers:
    """What a caller hears of its minute."""
    return [] if count is None else count.headers()


def _over(asked: Asked, count: Count | None) -> Passage | None:
    """The refusal of one whose minute is used; None if it is not."""
    if count is None or not count.refused:
        return None
    refusal = problem("RATE_LIMITED", asked.ticket, retry_after_s=max(1, count.more_in_s))
    return Passage(refusal, headers=count.headers())


def _unauthenticated(asked: Asked, given: list[str], count: Count | None) -> Passage:
    """The challenge; only one who tried with a token hears that it is not valid."""
    tried = any(value[:6].lower() == "bearer" for value in given)
    refusal = problem("UNAUTHENTICATED", asked.ticket)
    refusal.headers.append((b"www-authenticate", BAD_TOKEN if tried else NO_TOKEN))
    return Passage(refusal, headers=_told(count))


def _step_up(asked: Asked, operation: Operation, rules: StepUpRules) -> Response:
    """The challenge to sign in with two factors where they are wanted, and anew where it must be recent
    (RFC 9470 section 3).
    """
    wanted = f'{_REALM}, error="insufficient_user_authentication"'
    if operation.assurance is not Assurance.FRESH:
        wanted += f', acr_values="{rules.mfa_acr}"'
    if operation.assurance in AGED:
        wanted += f', max_age="{rules.recent_s}"'
    refusal = problem("STEP_UP_REQUIRED", asked.ticket)
    refusal.headers.append((b"www-authenticate", wanted.encode()))
    return refusal


def _is_local_name(hosts: list[str]) -> bool:
    """Say whether the Host names this machine, or is an address, which nobody can point elsewhere."""
    if len(hosts) != 1:
        return not hosts  # HTTP/1.0 has none; doubled is refused by the server, and here
    host = hosts[0].lower()
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if _LOCAL_NAME(name):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
