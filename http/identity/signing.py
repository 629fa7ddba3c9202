"""The keys that sign our own tokens: a file in the data folder, the newest signs, all verify.

The rule: a private key leaves this module as signatures only. The file is a JWK Set with private keys,
mode 0600, made whole or not at all; one that others may read is refused. A key that was replaced goes
on verifying for as long as a token that it signed may live, then it is dropped from the file; so a
rotation refuses nobody. A key's `kid` is its thumbprint, so that no two keys can share one.
Source: spec.md S34, S62; interface.md 9; RFC 7517, RFC 7638 (thumbprint), RFC 9068 section 2 (claims).
"""

import fcntl
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Final, cast

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from comptoir.http.identity.compact import ALGORITHM
from comptoir.http.identity.keys import PublicKey, public_key
from comptoir.http.identity.refused import KeyRefused
from comptoir.http.identity.tokens import REGISTRY

__all__ = ["KEYS_FILE", "KEYS_FOLDER", "SigningKeys", "SigningKeysUnsafe"]

KEYS_FOLDER: Final = "keys"
"""In the data folder; the vault's file is there too."""
KEYS_FILE: Final = "tokens.json"
KEY_BITS: Final = 2048
"""112 bits of strength (NIST SP 800-57); one of 3072 would take 1.7 ms of the loop for each
signature, one of 2048 takes 0.5."""
TOKEN_SECONDS_MAX: Final = 86_400
"""Life of the longest token that these keys sign: `auth.access_token_minutes` allows as much."""
RETIRED_SECONDS: Final = TOKEN_SECONDS_MAX + 3600
"""How long a replaced key verifies: the longest token, the skew, and a clock put right."""
PUBLIC_MEMBERS: Final = ("kty", "n", "e")
PRIVATE_MEMBERS: Final = ("d", "p", "q", "dp", "dq", "qi")
"""Of a JSON Web Key (RFC 7518 section 6.3)."""
DAY_SECONDS: Final = 86_400
FILE_BYTES_MAX: Final = 1024 * 1024
KEYS_MAX: Final = 16
"""Keys in the file; a rotation beyond it drops the oldest that no longer sign."""


class SigningKeysUnsafe(Exception):
    """The key file is not what it must be: readable by others, or no set of private keys."""

    code: ClassVar[str] = "TOKEN_KEYS_UNSAFE"
    remedy: ClassVar[str] = (
        "make it readable by its owner only (chmod 600); without the file, a start makes a new one "
        "and tokens signed before are refused"
    )
    exit_status: ClassVar[int] = 5


@dataclass(frozen=True, slots=True)
class _Signer:
    """One key of the file."""

    key: RSAKey
    key_id: str
    """`kid`: its thumbprint."""
    public: PublicKey
    """Its other half, judged as anybody's."""
    made_at: int
    """Seconds since 1970."""
    retired_at: int | None = None
    """When another one took its place."""

    def verifies(self, now: int) -> bool:
        """Whether a token that it signed may still live."""
        return self.retired_at is None or now < self.retired_at + RETIRED_SECONDS

    def row(self) -> dict[str, Any]:
        """The key as the file has it."""
        row: dict[str, Any] = {
            **self.key.as_dict(private=True),
            "kid": self.key_id, "use": "sig", "alg": ALGORITHM, "made_at": self.made_at,
        }  # fmt: skip
        return row if self.retired_at is None else {**row, "retired_at": self.retired_at}


class SigningKeys:
    """Signs tokens with the newest key; knows all that may still verify."""

    __slots__ = ("_path", "_signers")

    def __init__(self, path: Path, signers: Sequence[_Signer]) -> None:
        """Args: the file; its keys, the newest first."""
        self._path = path
        self._signers = tuple(signers)

    def __repr__(self) -> str:
        return f"<SigningKeys sign with {self._signers[0].key_id}, {len(self._signers)} verify>"

    @classmethod
    def open(cls, path: Path, now: int, days_max: int | None = None) -> "SigningKeys":
        """Read the key file; make it where there is none; rotate where its key is too old.

        Takes a tenth of a second where a key is made: call it in a thread.

        Args:
            path: such as DATA_DIR/keys/tokens.json; its folder is made, mode 0700.
            now: seconds since 1970.
            days_max: age at which a key is replaced; None never does, for whoever is not the daemon:
                a daemon that runs would not know the new key.

        Raises:
            SigningKeysUnsafe: others may read the file, or it is not of the right form.
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            with _turn(path.parent):
                if not path.exists():  # another start may have been faster; its key is the one
                    _write(path, [_made(now)])
        keys = cls(path, _read(path))
        if days_max is not None and keys.is_older(now, days_max):
            with _turn(path.parent):
                keys = cls(path, _read(path))
                if keys.is_older(now, days_max):
                    keys._renew(now)
        return keys

    def is_older(self, now: int, days: int) -> bool:
        """Whether the key that signs was made so many days ago."""
        return now - self._signers[0].made_at >= days * DAY_SECONDS

    def rotate(self, now: int) -> None:
        """Sign with a new key from now on; durable before it signs anything."""
        with _turn(self._path.parent):
            self._signers = tuple(_read(self._path))
            self._renew(now)

    def _renew(self, now: int) -> None:
        newest = self._signers[0]
        kept = [replace(newest, retired_at=now), *self._signers[1:]]
        signers = [_made(now), *(signer for signer in kept if signer.verifies(now))][:KEYS_MAX]
        _write(self._path, signers)
        self._signers = tuple(signers)

    def public_keys(self, now: int) -> list[dict[str, str]]:
        """The public JSON Web Keys that may still verify, the signing one first."""
        return [
            {**_public(signer.key), "kid": signer.key_id, "use": "sig", "alg": ALGORITHM}
            for signer in self._signers
            if signer.verifies(now)
        ]

    def find(self, key_id: str | None, now: int) -> PublicKey | None:
        """The key of that `kid` to verify with; None once no token that it signed can live."""
        signer = next((one for one in self._signers if one.key_id == key_id), None)
        return signer.public if signer is not None and signer.verifies(now) else None

    def sign(self, claims: Mapping[str, Any], typ: str = "at+jwt") -> str:
        """One token, signed by the newest key.

        Args:
            claims: what it says.
            typ: the default is that of access tokens (RFC 9068).
        """
        signer = self._signers[0]
        header = {"alg": ALGORITHM, "typ": typ, "kid": signer.key_id}
        return jws.serialize_compact(header, orjson.dumps(claims), signer.key, registry=REGISTRY)


def _public(key: RSAKey) -> dict[str, str]:
    """`kty`, `n` and `e` of a key, and nothing else of it."""
    members = key.as_dict(private=False)
    return {name: str(members[name]) for name in PUBLIC_MEMBERS}


def _made(now: int) -> _Signer:
    key = RSAKey.generate_key(KEY_BITS)
    return _signer(key, now)


def _read(path: Path) -> list[_Signer]:
    """The keys of the file, the newest first."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise SigningKeysUnsafe(f"others may read the key file {path.name}")
        text = file.read(FILE_BYTES_MAX)
    try:
        rows: list[dict[str, Any]] = orjson.loads(text)["keys"]
        signers = [_parsed(row) for row in rows]
    except (ValueError, TypeError, KeyError, AttributeError, JoseError, KeyRefused):
        signers = []  # the error may quote what it could not read
    if not signers or len(signers) > KEYS_MAX:
        raise SigningKeysUnsafe(f"the key file {path.name} is no set of private keys")
    return signers


def _signer(key: RSAKey, made_at: int, retired_at: int | None = None) -> _Signer:
    key_id = key.thumbprint()
    return _Signer(key, key_id, public_key({**_public(key), "kid": key_id}), made_at, retired_at)


def _parsed(row: dict[str, Any]) -> _Signer:
    """One key of the file."""
    secret = {name: row[name] for name in (*PUBLIC_MEMBERS, *PRIVATE_MEMBERS)}
    made_at, retired_at = row["made_at"], row.get("retired_at")
    if type(made_at) is not int or not (retired_at is None or type(retired_at) is int):
        raise ValueError("a time that is none")
    public_key({name: secret[name] for name in PUBLIC_MEMBERS})  # judged before it is loaded
    signer = _signer(
        RSAKey.import_key(cast("dict[str, str | list[str]]", secret)), made_at, retired_at
    )
    if row["kid"] != signer.key_id:
        raise ValueError("a kid that is not the thumbprint")
    return signer


@contextmanager
def _turn(folder: Path) -> Generator[None]:
    """One of several processes at a time makes keys; what it made is durable when the next one looks."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, signers: Sequence[_Signer]) -> None:
    """Replace the file, whole or not at all; only in one's turn."""
    draft = path.with_name(f".{path.name}.draft")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
        file.write(orjson.dumps({"keys": [signer.row() for signer in signers]}))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
