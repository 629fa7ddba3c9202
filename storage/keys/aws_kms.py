"""KEKs in AWS KMS: Encrypt and Decrypt with an encryption context.

The rule: KMS is asked at a start and in a rotation only. Its client blocks, so it works in a thread, with
a deadline for every call and three tries. The context goes with the key as KMS's encryption context: it
is authenticated, and CloudTrail shows it (it holds no secret and no person). A key that AWS rotates keeps
its ARN and opens what it ever wrapped; a key that is exchanged for another one (`vault.aws_kms.key_id`)
opens by the ARN that each wrapped key remembers.
Source: AWS KMS API reference (Encrypt, Decrypt, DescribeKey); spec.md S35, X14.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

import trio

from comptoir.storage.keys.errors import KeyProviderRefused, KeyProviderUnavailable
from comptoir.storage.keys.ports import Wrapped
from comptoir.storage.vault import VaultTampered

__all__ = ["AwsKmsOptions", "AwsKmsProvider"]

T = TypeVar("T")

CONTEXT: Final = "comptoir"
"""The one entry of our encryption contexts."""
TRIES_MAX: Final = 3
TAMPERED: Final = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})
BUSY: Final = frozenset(
    {"ThrottlingException", "KMSInternalException", "DependencyTimeoutException",
     "KeyUnavailableException", "LimitExceededException"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AwsKmsOptions:
    """Where KMS is, and which key wraps. Who we are is found as AWS's tools find it: environment,
    profile, or the role of the machine.
    """

    key_id: str
    """Key id, ARN, or `alias/NAME`, of a symmetric key."""
    region: str = ""
    """Empty: as AWS's tools find it."""
    endpoint_url: str = ""
    """Empty: AWS's own for the region."""
    timeout_s: float = 5.0
    """For connecting, and for each answer."""


class AwsKmsProvider:
    """Wraps by a key that never leaves AWS."""

    name = "aws-kms"

    def __init__(self, options: AwsKmsOptions) -> None:
        self._options = options
        self._client: Any = None  # made at run time from AWS's own description: it has no types

    def __repr__(self) -> str:
        return f"<AwsKmsProvider {self._options.key_id}>"

    async def current(self) -> str:
        """The ARN of the key."""
        described = await self._ask(lambda client: client.describe_key(KeyId=self._options.key_id))
        return str(described["KeyMetadata"]["Arn"])

    async def wrap(self, secret: bytes, context: str) -> Wrapped:
        """Encrypt under the key."""
        answer = await self._ask(
            lambda client: client.encrypt(
                KeyId=self._options.key_id,
                Plaintext=secret,
                EncryptionContext={CONTEXT: context},
            )
        )
        return Wrapped(str(answer["KeyId"]), bytes(answer["CiphertextBlob"]))

    async def unwrap(self, wrapped: Wrapped, context: str) -> bytes:
        """Decrypt under the key that is remembered, and no other."""
        answer = await self._ask(
            lambda client: client.decrypt(
                KeyId=wrapped.kek,
                CiphertextBlob=wrapped.blob,
                EncryptionContext={CONTEXT: context},
            )
        )
        return bytes(answer["Plaintext"])

    async def make_version(self) -> str | None:
        """AWS makes them: by its yearly rotation, or by hand."""
        await trio.lowlevel.checkpoint()
        return None

    async def _ask(self, call: Callable[[Any], T]) -> T:
        return await trio.to_thread.run_sync(partial(self._call, call), abandon_on_cancel=True)

    def _call(self, call: Callable[[Any], T]) -> T:
        with _mapped_errors():
            if self._client is None:
                self._client = _connect(self._options)
            return call(self._client)


def _connect(options: AwsKmsOptions) -> Any:
    """A client; botocore is loaded only where KMS is used."""
    from botocore.config import Config
    from botocore.session import get_session

    config = Config(
        connect_timeout=options.timeout_s,
        read_timeout=options.timeout_s,
        retries={"total_max_attempts": TRIES_MAX, "mode": "standard"},
    )
    session: Any = get_session()
    return session.create_client(
        "kms",
        region_name=options.region or None,
        endpoint_url=options.endpoint_url or None,
        config=config,
    )


@contextmanager
def _mapped_errors() -> Generator[None]:
    """Errors of botocore as ours: its code is told, never what was sent."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        if code in TAMPERED:
            raise VaultTampered(f"AWS KMS does not open a wrapped key ({code})") from None
        if code in BUSY:
            raise KeyProviderUnavailable(f"AWS KMS answers {code}") from None
        raise KeyProviderRefused(f"AWS KMS refuses: {code}") from None
    except BotoCoreError as error:
        raise KeyProviderUnavailable(f"AWS KMS: {type(error).__name__}") from None
