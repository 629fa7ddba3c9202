"""The keys of an external OpenID provider: found by its issuer, kept, and fetched anew in time.

The rule: addresses come from the settings and from the provider's own metadata, never from a token. Keys
are used up to `refresh_s`, then fetched again; while the provider is away the old ones go on verifying
up to `stale_s`, and not a second longer. A `kid` that is not known may mean a rotation, so it causes a
fetch, but at most one in `retry_s` whoever asks, and many who ask at once share it. A provider's failure
is never a caller's: it ends in `keys_unavailable` or in keys that are a little old.
Source: OpenID Connect Discovery 1.0 sections 3 and 4.3 (the issuer is the same text), Core 10.1.1
(rotation); RFC 8725 section 3.10 (no address out of a token); S34, S62 (TLS).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import urlsplit

import httpx
import structlog
import trio

from comptoir.engine.settings import AuthExternal, is_loopback
from comptoir.http.identity.compact import TypeRule
from comptoir.http.identity.documents import CONFIGURATION_PATH
from comptoir.http.identity.fetching import FetchFailed, fetch
from comptoir.http.identity.keys import KeySet, PublicKey
from comptoir.http.identity.refused import KeyRefused, TokenRefused

__all__ = ["Provider", "ProviderRules", "ProviderStatistics"]

log = structlog.get_logger("comptoir.identity")

URL_CHARS_MAX: Final = 2048


@dataclass(frozen=True, slots=True)
class ProviderRules:
    """What we hold a provider and its tokens to; times in seconds."""

    issuer: str
    audience: str
    roles_claim: str
    type_rule: TypeRule
    timeout_s: float
    refresh_s: float
    retry_s: float
    stale_s: float

    @classmethod
    def of(cls, external: AuthExternal) -> "ProviderRules":
        """Compile the settings."""
        return cls(
            issuer=external.issuer,
            audience=external.audience,
            roles_claim=external.roles_claim,
            type_rule=external.token_type,
            timeout_s=external.timeout_s,
            refresh_s=external.keys_refresh_s,
            retry_s=external.keys_retry_s,
            stale_s=external.keys_stale_s,
        )


@dataclass(frozen=True, slots=True)
class ProviderStatistics:
    """How a provider's keys are."""

    keys: int
    """Usable ones."""
    age_s: float | None
    """Since they were fetched; None while there are none."""
    fetches: int
    """Tries to fetch them, since the start."""
    failures: int
    """Of these, how many failed."""


class Provider:
    """The keys of one provider."""

    def __init__(
        self,
        rules: ProviderRules,
        client: httpx.AsyncClient,
        clock: Callable[[], float] = trio.current_time,
    ) -> None:
        """Fetch nothing yet.

        Args:
            rules: see there.
            client: as `fetching.client` makes it.
            clock: I/O time in seconds, which never goes back.
        """
        self.rules = rules
        self._client = client
        self._clock = clock
        self._keys = KeySet([])
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._jwks_uri: str | None = None
        self._turn = trio.Lock()
        self._fetches = self._failures = 0

    def __repr__(self) -> str:
        return f"<Provider {self.rules.issuer}, {len(self._keys)} keys>"

    def statistics(self) -> ProviderStatistics:
        """How its keys are now."""
        return ProviderStatistics(len(self._keys), self._age(), self._fetches, self._failures)

    async def find(self, key_id: str | None) -> PublicKey | None:
        """The key of that `kid`, after a fetch if that may help; None if it has none.

        Raises:
            TokenRefused: `keys_unavailable`: it is away, for longer than its keys may be used.
        """
        known = self._keys.find(key_id)
        if known is None or not self._younger_than(self.rules.refresh_s):
            await self._refresh(wait=known is None or not self._younger_than(self.rules.stale_s))
        if not self._younger_than(max(self.rules.refresh_s, self.rules.stale_s)):
            raise TokenRefused("keys_unavailable", "the issuer's keys cannot be fetched")
        return self._keys.find(key_id)

    def _age(self) -> float | None:
        return None if self._fetched_at is None else self._clock() - self._fetched_at

    def _younger_than(self, seconds: float) -> bool:
        age = self._age()
        return age is not None and age <= seconds

    def _may_try(self) -> bool:
        return self._tried_at is None or self._clock() - self._tried_at >= self.rules.retry_s

    async def _refresh(self, *, wait: bool) -> None:
        """Fetch the keys, unless somebody has just tried.

        Args:
            wait: for a fetch under way; False where the keys that are there will do.
        """
        if self._turn.locked() and not wait:
            return
        async with self._turn:
            if not self._may_try():
                return
            self._tried_at = self._clock()
            self._fetches += 1
            try:
                self._keys = await self._fetch()
            except (FetchFailed, KeyRefused) as error:
                self._failures += 1
                self._jwks_uri = None  # it may have moved
                word = error.reason if isinstance(error, KeyRefused) else str(error)
                log.warning("the provider's keys were not fetched", reason=word)
            else:
                self._fetched_at = self._clock()

    async def _fetch(self) -> KeySet:
        if self._jwks_uri is None:
            self._jwks_uri = await self._discover()
        return KeySet.of(await fetch(self._client, self._jwks_uri, self.rules.timeout_s))

    async def _discover(self) -> str:
        """Where its keys are, by its own metadata."""
        issuer = self.rules.issuer
        place = issuer.rstrip("/") + CONFIGURATION_PATH
        document = await fetch(self._client, place, self.rules.timeout_s)
        members = cast("dict[str, object]", document) if isinstance(document, dict) else {}
        if members.get("issuer") != issuer:
            raise FetchFailed("issuer_differs")
        uri = members.get("jwks_uri")
        if not isinstance(uri, str) or not _may_be_asked(uri, issuer):
            raise FetchFailed("jwks_uri_refused")
        return uri


def _may_be_asked(uri: str, issuer: str) -> bool:
    """Want https; plain http only where the issuer and its keys are on this machine."""
    if len(uri) > URL_CHARS_MAX or not uri.isascii() or not uri.isprintable():
        return False
    try:
        parts, home = urlsplit(uri), urlsplit(issuer)
        host = parts.hostname
    except ValueError:
        return False
    if not host or "@" in parts.netloc:
        return False
    if parts.scheme == "https":
        return True
    return parts.scheme == "http" and is_loopback(host) and is_loopback(home.hostname or "")
