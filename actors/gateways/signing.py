"""The gateway to whoever has contracts signed, and the port that each provider stands behind (S28).

The rules: an envelope is created once: its attempt is on record before the first byte leaves, and what became of it is looked
up by our reference (design.md 6); everything else may be asked again. A document that is kept is never another: what lies
under its key is the answer, whoever asks again. Of an envelope of which nobody can say whether it was made the actor
hears as of one that was refused, and a person finds out. Where nobody is configured every question is
refused by name, and none waits for ever.
Source: spec.md S28, S63, S65; docs/signature.md.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from comptoir.actors.gateways.signing_messages import (
    SIGNING,
    CreateEnvelope,
    EnvelopeCreated,
    EnvelopeGone,
    EnvelopeStands,
    FetchSigned,
    ReadEnvelope,
    SignedFetched,
    SigningRefused,
    VoidEnvelope,
)
from comptoir.engine.gateway_spec import (
    CallContext,
    CallFault,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.values import Message

__all__ = ["NOT_CONFIGURED", "OUTCOME_UNKNOWN", "Contracts", "Signing", "signing_gateway"]

NOT_CONFIGURED = "SIGNING_NOT_CONFIGURED"
OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"


class Contracts(Protocol):
    """Where contracts are kept (engine/boot/contracts.py)."""

    async def read(self, path: str) -> bytes:
        """All of one.

        Raises:
            CallFault: it is not there, or the store does not answer.
        """
        ...

    async def digest(self, path: str) -> str | None:
        """SHA-256 in hexadecimal of what is kept under this key; None: nothing is.

        Raises:
            CallFault: the store does not answer.
        """
        ...

    async def keep(self, path: str, media_type: str, data: bytes) -> str:
        """Keep one under this key, unless one is there: that one stays. SHA-256 in hexadecimal of what is there now.

        Raises:
            CallFault: the store does not take it.
        """
        ...


class Signing(Protocol):
    """A provider of signatures. Each method raises CallFault where it could not be asked, or refuses."""

    async def create(self, message: CreateEnvelope, context: CallContext, /) -> EnvelopeCreated:
        """Ask the signer."""
        ...

    async def find(
        self, message: CreateEnvelope, context: CallContext, /
    ) -> EnvelopeCreated | None:
        """What became of it, by our reference; None: the provider does not know it."""
        ...

    async def read(self, message: ReadEnvelope, context: CallContext, /) -> EnvelopeStands | None:
        """How it stands; None: the provider has no word of its own."""
        ...

    async def fetch(self, message: FetchSigned, context: CallContext, /) -> SignedFetched:
        """Keep the signed document, once: what is kept already is the answer."""
        ...

    async def void(self, message: VoidEnvelope, context: CallContext, /) -> EnvelopeGone:
        """Have it signed no more."""
        ...


def signing_gateway(provider: Signing | None, bounds: GatewayBounds) -> GatewaySpec:
    """The gateway over one of them; None: nobody is configured."""

    def refused(message: Any, code: str) -> Message:
        return SigningRefused(message.reference, code)

    def unknown(message: CreateEnvelope, _code: str) -> Message:
        """A person has to find out; the file may have it issued anew meanwhile, and a late envelope is voided."""
        return refused(message, OUTCOME_UNKNOWN)

    async def refuse(message: Any, _context: CallContext) -> Message:
        return refused(message, NOT_CONFIGURED)

    def call(name: str) -> Callable[[Any, CallContext], Awaitable[Message | None]]:
        return refuse if provider is None else getattr(provider, name)

    async def void(message: VoidEnvelope, context: CallContext) -> Message | None:
        """A refusal is a dead letter once: when it is asked again, nobody has to be told again."""
        try:
            return await call("void")(message, context)
        except CallFault as fault:
            if fault.retryable or not message.repeated:
                raise
            return None

    return GatewaySpec(
        SIGNING.kind,
        {
            CreateEnvelope: Operation(
                call("create"), lambda x: f"envelope:{x.reference}", idempotent=provider is None,
                look_up=None if provider is None else provider.find, failed=refused,
                held=unknown,
            ),
            ReadEnvelope: Operation(
                call("read"), lambda x: f"read:{x.envelope_id}", expendable=lambda _message: True
            ),
            FetchSigned: Operation(  # the actor asks again by itself (signature/hearing.py)
                call("fetch"), lambda x: f"fetch:{x.path}", failed=refused, expendable=lambda _message: True
            ),
            VoidEnvelope: Operation(  # the actor asks again by itself (signature/ending.py, superseded.py)
                void, lambda x: f"void:{x.envelope_id}", expendable=lambda x: x.repeated
            ),
        },
        bounds,
        dead_queue="dlq:onboarding",
    )  # fmt: skip
