"""Receiving DocuSign's webhooks (Connect, JSON SIM): how envelopes stand.

The rule: the rows of interface.md 6 in their order, as for every sender, but for row 4: DocuSign signs no time, and
sends an event that nobody took again for days, under the same body. What stands for the window is the envelope's own
state: a status that is known, or is older than the one that is known, changes nothing, and one that ends an envelope
is its last; so a webhook that is sent again by anybody, at any time, does nothing a second time.

Every configured key is tried against every signature that is offered: so a key can be rotated without a webhook lost.
Source: protocols.md 5.3; spec.md S28, S53, S54, X16, X19; docs/docusign.md.
"""

from collections.abc import Sequence
from typing import Final

from comptoir.actors.signature.messages import KIND, EnvelopeTaken
from comptoir.engine import Address
from comptoir.http.answers import Response
from comptoir.http.docusign_body import Told, read
from comptoir.http.schemes import docusign_fault
from comptoir.http.webhook_rows import (
    ACCEPTED,
    DUPLICATE,
    IGNORED,
    OwnScheme,
    Taken,
    WebhookRequest,
    slots_of,
)

__all__ = ["DOCUSIGN_PATH", "DocusignReception"]

DOCUSIGN_PATH: Final = "/webhooks/docusign"
_OUTCOMES: Final = {"accepted": ACCEPTED, "duplicate": DUPLICATE, "ignored": IGNORED}


class DocusignReception(OwnScheme[Told]):
    """Receives the webhooks of one daemon's account at DocuSign."""

    __slots__ = ()
    SLOTS = slots_of()

    async def receive(self, request: WebhookRequest) -> Response:
        """See `OwnScheme`; the headers are read twice, since those of its signatures are numbered."""
        return await super().receive(request._replace(headers=tuple(request.headers)))

    async def fault(self, given: Sequence[bytes | None], request: WebhookRequest) -> str | None:
        """By any key of ours."""
        del given
        return docusign_fault(request.headers, request.body, self.rules.docusign.secrets)

    def read(self, given: Sequence[bytes | None], body: bytes) -> Told:
        """Of which file it speaks, and how its envelope stands."""
        del given
        return read(body, self.rules.docusign_account)

    async def take(self, told: Told) -> Taken:
        """The signature says which it is."""
        if told.report is None:
            return IGNORED
        answer = await self.own_port.ask(Address(KIND, told.file), told.report)
        assert isinstance(answer.reply, EnvelopeTaken)
        return DUPLICATE if answer.replayed else _OUTCOMES[answer.reply.status]
