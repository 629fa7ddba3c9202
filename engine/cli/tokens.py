"""`comptoir token`: an access token for development, signed with the daemon's own key.

Rule: it says nothing that the authorization server could not say (known roles, well-formed scopes, a
bounded life), and it is on record before it is printed. Whoever can read the key file could sign any
token by hand; this command only spares the work, so file permissions are its authorization.
Source: interface.md 9; spec.md S34, S62.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from comptoir.engine.cli.daemons import daemon_address
from comptoir.engine.cli.errors import EXIT_OTHER, CommandError, nearest
from comptoir.engine.cli.kinds import ROLES
from comptoir.engine.settings import Settings
from comptoir.http.identity import issued
from comptoir.http.identity.claims import is_scope, is_text
from comptoir.http.identity.issuing import BY_HAND as CLIENT_ID
from comptoir.http.identity.issuing import BY_HAND_METHODS, Grant, issue, noted_issuer
from comptoir.http.identity.signing import KEYS_FILE, KEYS_FOLDER, SigningKeys
from comptoir.http.principal import Role
from comptoir.storage._place import make_data_dir

__all__ = ["CLIENT_ID", "TokenOptions", "run_token", "signed_by_hand", "token_of"]


@dataclass(frozen=True, slots=True)
class TokenOptions:
    """What was asked for."""

    sub: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    ttl: int | None
    """Seconds; None = that of the settings."""
    methods: tuple[str, ...] = ()
    """`amr`; empty = two factors."""
    signed_in_ago: int = 0
    """Seconds."""


def run_token(options: TokenOptions, config: Path | None) -> None:
    """Print one token, and nothing else.

    Raises:
        CommandError: DEV_TOKENS_OFF, ISSUER_UNKNOWN, USAGE, KEYS_UNREADABLE or RECORD_FULL.
        SigningKeysUnsafe: others may read the keys.
    """
    typer.echo(token_of(options, Settings.load(config, os.environ)))


Open = Callable[[Path, int], SigningKeys]
"""Reads the keys of a file, or makes them, at a time."""


def token_of(options: TokenOptions, settings: Settings, open_keys: Open = SigningKeys.open) -> str:
    """The token that was asked for, on record before it is returned.

    Raises:
        CommandError: DEV_TOKENS_OFF, ISSUER_UNKNOWN, USAGE, KEYS_UNREADABLE or RECORD_FULL.
        SigningKeysUnsafe: others may read the keys.
    """
    if not settings.auth.dev_tokens:
        raise CommandError(
            "DEV_TOKENS_OFF",
            "auth.dev_tokens is false",
            "sign in at the identity provider; set it to true on a machine of development only",
        )
    grant = _grant(options, settings.auth.access_token_minutes * 60)
    return signed_by_hand(settings, grant, options.signed_in_ago, open_keys)


def signed_by_hand(
    settings: Settings, grant: Grant, signed_in_ago: int = 0, open_keys: Open = SigningKeys.open
) -> str:
    """A token signed with the keys of the data folder, on record before it is returned.

    Args:
        settings: the daemon's.
        grant: what it says; of a person, when they signed in is added.
        signed_in_ago: how long ago that was, in seconds.
        open_keys: reads the keys; a test's, where it has read them before.

    Raises:
        CommandError: ISSUER_UNKNOWN, KEYS_UNREADABLE or RECORD_FULL.
        SigningKeysUnsafe: others may read the keys.
    """
    folder = settings.storage.data_dir / KEYS_FOLDER
    # The daemon's own words where it has listened; before its first start, where it would.
    issuer = settings.auth.issuer or noted_issuer(folder) or daemon_address(settings)
    if issuer is None:
        raise CommandError(
            "ISSUER_UNKNOWN",
            "auth.issuer is empty, http.port is any free one, and no daemon has listened yet",
            "set auth.issuer, or start the daemon first",
        )
    now = int(time.time())
    if grant.roles:
        context = settings.auth.mfa_acr if "mfa" in grant.methods else ""
        grant = replace(grant, context=context, signed_in_at=now - signed_in_ago)
    try:
        make_data_dir(settings.storage.data_dir.resolve())
        keys = open_keys(folder / KEYS_FILE, now)
        token, token_id = issue(keys, issuer, grant, now)
        issued.record(folder, issued.Issued(token_id, now, grant, os.getuid()))
    except OSError as error:
        text = f"the keys of {settings.storage.data_dir} cannot be used ({error.strerror})"
        remedy = "run it as the daemon's user"
        raise CommandError("KEYS_UNREADABLE", text, remedy, exit_status=EXIT_OTHER) from None
    except issued.RecordFull:
        raise CommandError(
            "RECORD_FULL",
            f"{folder / issued.RECORD_FILE} is full",
            "keep it elsewhere, then remove it",
            exit_status=EXIT_OTHER,
        ) from None
    return token


def _grant(options: TokenOptions, default_seconds: int) -> Grant:
    """What the options say, or the first thing wrong with them."""
    for role in options.roles:
        if role not in ROLES:
            near = nearest(role.upper(), ROLES)
            remedy = f"did you mean {near}?" if near else f"there are {', '.join(ROLES)}"
            raise CommandError("USAGE", f"no such role: {role!r}", remedy)
    scopes = [word for given in options.scopes for word in given.split()]
    if not all(map(is_scope, scopes)):
        raise CommandError("USAGE", "a scope has a character that none has", "see RFC 6749, 3.3")
    if not is_text(options.sub):
        text = "--sub is empty, over 255 characters, or not printable"
        raise CommandError("USAGE", text, "give the userId")
    roles = tuple(Role(role) for role in dict.fromkeys(options.roles))
    methods = (options.methods or BY_HAND_METHODS) if roles else ()
    if not all(map(is_text, methods)):
        raise CommandError("USAGE", "--amr is not printable", "see RFC 8176, such as otp or mfa")
    seconds = options.ttl or default_seconds
    return Grant(options.sub, roles, tuple(scopes), CLIENT_ID, seconds, methods)
