"""Everything of identity that a daemon has open while it listens, made from its settings.

The rule: one place decides who we are (`auth.issuer`, else the address that is listened on), notes it
for `comptoir token`, and whom we trust beside ourselves. Keys are made or rotated here, at a start, in a
thread; a provider is asked for nothing until its first token comes, so that a start never waits for it.
Source: interface.md 9; spec.md S34, S62; design.md 7 (nothing slow in the loop).
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import trio

from comptoir.actors.revocation.views import Given, Revocations
from comptoir.engine.settings import Problem, Settings, SettingsError
from comptoir.http.identity import documents, fetching
from comptoir.http.identity.authenticator import (
    ExternalIssuer,
    OwnIssuer,
    TokenAuthenticator,
    wall_seconds,
)
from comptoir.http.identity.claims import Claims
from comptoir.http.identity.issuing import Grant, issue, note_issuer
from comptoir.http.identity.provider import Provider, ProviderRules
from comptoir.http.identity.receipts import RECEIPTS_FILE, ReceiptKeys
from comptoir.http.identity.refused import TokenRefused
from comptoir.http.identity.signing import KEYS_FILE, KEYS_FOLDER, SigningKeys

__all__ = ["Identity", "open_identity"]

DAY_MS: Final = 86_400_000


class Identity:
    """Who we are and whom we trust."""

    def __init__(
        self,
        settings: Settings,
        keys: SigningKeys,
        provider: Provider | None,
        receipts: ReceiptKeys | None = None,
    ) -> None:
        """Trust the provider; ourselves from `listens_on` on.

        Args:
            settings: of the daemon.
            keys: ours.
            provider: the external one, where there is one.
            receipts: what signs receipts; None: the key in the data folder, once it is needed.
        """
        folder = settings.storage.data_dir / KEYS_FOLDER
        self.receipts = receipts or ReceiptKeys(folder / RECEIPTS_FILE)
        self._settings = settings
        self.keys = keys
        self.provider = provider
        self.issuer: str | None = None
        """`iss` of our tokens, None until it is known where we listen."""
        self.revocations: Revocations | None = Revocations()
        """What is over before its time; None: not known yet, and no token of ours is taken."""
        self.key_of: Callable[[str], str] = str
        """From a `sub` to the key of that person's actor (X15)."""
        external = [] if provider is None else [ExternalIssuer(provider)]
        self.authenticator = TokenAuthenticator(external)

    def __repr__(self) -> str:
        return f"<Identity {self.issuer}, {self.authenticator!r}>"

    def listens_on(self, address: str) -> None:
        """Become `auth.issuer`, else this address, and note it for `comptoir token`.

        Args:
            address: such as `http://127.0.0.1:8080`; of port 0 it is known only now.

        Raises:
            SettingsError: the external issuer has our own name.
            OSError: the folder cannot be written.
        """
        issuer = self._settings.auth.issuer or address
        if self._settings.auth.external.issuer == issuer:
            place, text = "auth.external.issuer", "auth.external.issuer is our own address"
            remedy = "give that of the provider, or leave it empty"
            raise SettingsError([Problem("CONFIG_RULE_BROKEN", place, text, remedy)])
        note_issuer(self._settings.storage.data_dir / KEYS_FOLDER, issuer)
        self.authenticator.trust(OwnIssuer(issuer, self.keys, self._hold))
        self.issuer = issuer

    def learn(self, revocations: Revocations) -> None:
        """Refuse what these say from now on."""
        self.revocations = revocations

    def is_over(self, given: Given) -> bool:
        """Say whether what was given like this must not be used any more; unknown is yes."""
        return self.revocations is None or self.revocations.refuse(given)

    def _hold(self, claims: Claims) -> None:
        """Refuse a token of ours that is over (RFC 7009; S62)."""
        if self.revocations is None:
            raise TokenRefused("revocations_unknown", "the list is not read yet")
        # Ours, as its signature shows: what is there has the type that `issue` gave it.
        given = Given(
            claims.get("iat", 0) * 1000,
            claims.get("jti", ""),
            claims.get("client_id", ""),
            claims.get("sid", ""),
            self.key_of(claims["sub"]) if self.revocations.over else "",
            claims.get("gen"),
        )
        if self.revocations.refuse(given):
            raise TokenRefused("revoked", "it was ended before its time")

    @property
    def dev_tokens(self) -> bool:
        """Whether a token that a command signs for somebody (`comptoir token`) stands for them."""
        return self._settings.auth.dev_tokens

    @property
    def refresh_ms(self) -> int:
        """Life of a family of refresh tokens, in business time."""
        return self._settings.auth.refresh_token_days * DAY_MS

    def redirect_uris(self, client_id: str) -> tuple[str, ...]:
        """Where a code may be sent for a public client, to the letter; none for who is no client."""
        return self._settings.auth.clients.get(client_id, ())

    def is_first_party(self, client_id: str) -> bool:
        """Whether a client is the house's own, and nobody is asked whether it may act for them."""
        return client_id in self._settings.auth.first_party

    @property
    def mfa_acr(self) -> str:
        """What `acr` says of a sign-in with two factors."""
        return self._settings.auth.mfa_acr

    def context_of(self, methods: Sequence[str]) -> str:
        """The `acr` of a sign-in with these methods; empty: it has no name (RFC 8176, `mfa`)."""
        return self.mfa_acr if "mfa" in methods else ""

    @property
    def life_s(self) -> int:
        """Of an access token of ours, in seconds (S34)."""
        return self._settings.auth.access_token_minutes * 60

    def issue(self, grant: Grant, token_id: str | None = None) -> str:
        """Sign an access token of ours, in half a millisecond of the loop.

        Args:
            grant: what it says.
            token_id: its `jti`; None draws one.
        """
        assert self.issuer is not None, "asked before anybody could have"
        return issue(self.keys, self.issuer, grant, wall_seconds(), token_id)[0]

    def jwks(self) -> dict[str, Any]:
        """What `/oauth/jwks.json` answers now."""
        now = wall_seconds()
        return {"keys": [*documents.jwks(self.keys, now)["keys"], *self.receipts.public_keys(now)]}

    def configuration(
        self, served: Sequence[str] = (), grants: Sequence[str] = ()
    ) -> dict[str, Any]:
        """What `/.well-known/openid-configuration` answers; see `documents.openid_configuration`."""
        assert self.issuer is not None, "asked before anybody could have"
        return documents.openid_configuration(self.issuer, served, grants, [self.mfa_acr])


@asynccontextmanager
async def open_identity(settings: Settings) -> AsyncGenerator[Identity, None]:
    """Open what verifying tokens needs; call `listens_on` once the address is known.

    Args:
        settings: of the daemon, whose data folder is there.

    Raises:
        SigningKeysUnsafe: others may read our keys, or the file is something else.
        OSError: the folder cannot be used.
    """
    path = settings.storage.data_dir / KEYS_FOLDER / KEYS_FILE
    opened = partial(SigningKeys.open, path, wall_seconds(), settings.auth.signing_key_days)
    keys = await trio.to_thread.run_sync(opened)
    known = partial(ReceiptKeys.open, path.with_name(RECEIPTS_FILE), wall_seconds())
    receipts = await trio.to_thread.run_sync(known)
    if not settings.auth.external.issuer:
        yield Identity(settings, keys, None, receipts)
        return
    rules = ProviderRules.of(settings.auth.external)
    async with fetching.client(rules.timeout_s) as client:
        yield Identity(settings, keys, Provider(rules, client), receipts)
