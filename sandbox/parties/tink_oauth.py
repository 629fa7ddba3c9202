"""Tink's codes and tokens: each opens what its scope names, for one user or for the app, until its end.

Source: docs.tink.com/api (general: OAuth); RFC 6749.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from comptoir.sandbox.parties.bank import FORBIDDEN
from comptoir.sandbox.parties.memory import keep
from comptoir.sandbox.parties.party import Stage
from comptoir.sandbox.parties.tink_shapes import TinkFault, Token, read_form
from comptoir.sandbox.wire.router import Call

LINK = "link"
"""The scope of a code that Tink Link may use, and nobody else."""
CODE_MS = 30 * 60_000
OURS_MS, THEIRS_MS = 1_800_000, 7_200_000
Json = dict[str, Any]


class Opened(NamedTuple):
    """What a code or a token opens."""

    user: str
    """The name of whose it is; empty: the app itself."""
    scopes: frozenset[str]
    until: int


@dataclass(slots=True)
class Desk:
    """Where codes and tokens are given and looked at."""

    stage: Stage
    _codes: OrderedDict[str, Opened] = field(default_factory=OrderedDict[str, Opened])
    _tokens: OrderedDict[str, Opened] = field(default_factory=OrderedDict[str, Opened])

    def reset(self) -> None:
        """Forgets all."""
        self._codes.clear()
        self._tokens.clear()

    def code(self, user: str, scopes: frozenset[str]) -> str:
        """One that is good once."""
        made = secrets.token_hex(16)
        keep(self._codes, made, Opened(user, scopes, self._now() + CODE_MS))
        return made

    def opened(self, code: str, *, spend: bool) -> Opened | None:
        """What a code opens, while it is good."""
        found = self._codes.pop(code, None) if spend else self._codes.get(code)
        return found if found is not None and found.until > self._now() else None

    def token(self, call: Call) -> Json:
        """`/api/v1/oauth/token`."""
        asked, now = read_form(call.request.body, Token), self._now()
        if asked.grant_type == "client_credentials":
            opened = Opened("", frozenset(asked.scope.split(",")), now + OURS_MS)
        else:
            code = self.opened(asked.code, spend=True)
            if code is None or LINK in code.scopes:
                raise TinkFault(400, "oauth.invalid_grant")
            opened = code._replace(until=now + THEIRS_MS)
        made = secrets.token_hex(32)
        keep(self._tokens, made, opened)
        return {
            "access_token": made, "token_type": "bearer", "expires_in": (opened.until - now) // 1000,
            "scope": ",".join(sorted(opened.scopes)), **FORBIDDEN,
        }  # fmt: skip

    def bearer(self, call: Call, scope: str) -> Opened:
        """What a token opens, if that is in it."""
        token = call.request.headers.get("authorization", "").removeprefix("Bearer ")
        found = self._tokens.get(token)
        if found is None or found.until <= self._now():
            raise TinkFault(401, "oauth.invalid_token")
        if scope not in found.scopes:
            raise TinkFault(403, "oauth.scope_missing")
        return found

    def _now(self) -> int:
        return self.stage.clock.now_ms()
