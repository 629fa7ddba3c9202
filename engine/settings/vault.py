"""Settings of the keys at rest: where they are, and what wraps them.

Rule: a key is named here or lies in a file for its owner only; what a key service is asked has a
deadline. Source: design.md 7; interface.md 3; S35, S45, S59, X13, X14.
"""

# ruff: noqa: RUF009 - rows are dataclasses.field calls by another name

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from comptoir.engine.settings.fields import Section, integer, number, option, section
from comptoir.engine.settings.kinds import ChoiceKind, TextKind
from comptoir.engine.settings.kinds_made import MapKind, SecretKind, UrlKind, key_32_bytes
from comptoir.engine.settings.secret import Secret

__all__ = ["Vault", "VaultAwsKms", "VaultTransit"]

AES_KEY = SecretKind("the base64 of 32 bytes", key_32_bytes)
TOKEN = SecretKind("a text", lambda _text: True)
FILE = TextKind("a path, or an empty text", r".*")
NAME = TextKind("letters, digits, and _ . - /", r"[A-Za-z0-9_./-]{0,256}")
AWS_KEY = TextKind("a key id, an ARN, or alias/NAME", r"[A-Za-z0-9:/_-]{0,2048}")
ASK_SECONDS = (0.1, 60.0)


@dataclass(frozen=True, slots=True)
class VaultAwsKms(Section):
    """AWS KMS as the holder of the key-encryption key; who we are is found as AWS's tools find it."""

    key_id: str = option("", AWS_KEY, "Symmetric key that wraps: id, ARN, or alias/NAME.", "S35")
    region: str = option("", NAME, "Region; empty = as AWS's tools find it.", "S35")
    endpoint_url: str = option("", UrlKind(), "Empty = AWS's own for the region.", "ours")
    timeout_s: float = number(5.0, "s", ASK_SECONDS, "Wait for one answer.", "ours")


@dataclass(frozen=True, slots=True)
class VaultTransit(Section):
    """The transit engine of HashiCorp Vault as the holder of the key-encryption key."""

    url: str = option("", UrlKind(), "Address of Vault.", "X14")
    token: Secret = option(
        Secret(""), TOKEN, "Token with encrypt, decrypt, read and rotate of the key.", "X14"
    )
    key: str = option("comptoir", NAME, "Name of the transit key.", "X14")
    mount: str = option("transit", NAME, "Where the engine is mounted.", "X14")
    namespace: str = option("", NAME, "Namespace (Enterprise); empty = none.", "ours")
    timeout_s: float = number(5.0, "s", ASK_SECONDS, "Wait for one answer.", "ours")


@dataclass(frozen=True, slots=True)
class Vault(Section):
    """Keys that seal personal data and tokens (AES-256-GCM)."""

    keys: Mapping[str, Secret] = option(
        MappingProxyType({}), MapKind(AES_KEY, 100),
        "Key-encryption keys by version, the greatest wraps; empty = a file made at first start in "
        "the data folder, mode 0600.", "S45, S59, X14", "base64 of 32 bytes",
    )  # fmt: skip
    store: str = option(
        "", FILE,
        "File of the wrapped data keys, one for each person; empty = keys/store.db in the data "
        "folder, and with storage.url none: then nobody can be erased.", "X13, X14",
    )  # fmt: skip
    provider: Literal["local", "aws-kms", "transit"] = option(
        "local", ChoiceKind(("local", "aws-kms", "transit")),
        "Who holds the key-encryption key; local: vault.keys or the key file.", "S35, X14",
    )  # fmt: skip
    subjects_cached_max: int = integer(
        20_000, "keys", (100, 10_000_000),
        "Persons' keys kept in memory, about 2.5 KiB each; others are read again.", "ours",
    )  # fmt: skip
    aws_kms: VaultAwsKms = section(VaultAwsKms)
    transit: VaultTransit = section(VaultTransit)
