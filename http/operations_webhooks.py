"""The rows of signed webhooks (operations.py has the rule).

Source: interface.md 6; spec.md S42, S52 to S56, S10, S28.
"""

from typing import Final

from comptoir.http import shapes_webhooks as hooks
from comptoir.http.operation import Body, Door, Operation, Proof

__all__ = ["WEBHOOKS"]

_OF_WEBHOOKS: Final = (
    "WEBHOOK_SOURCE_FORBIDDEN", "WEBHOOK_SIGNATURE_INVALID", "WEBHOOK_TIMESTAMP_EXPIRED",
    "WEBHOOK_PAYLOAD_MALFORMED", "WEBHOOK_PAYLOAD_INVALID", "WEBHOOK_EVENT_UNSUPPORTED",
    "RATE_LIMITED", "STORAGE_UNAVAILABLE",
)  # fmt: skip
_OF_DOCUSIGN: Final = tuple(one for one in _OF_WEBHOOKS if one != "WEBHOOK_TIMESTAMP_EXPIRED")
"""It signs no time (docs/docusign.md)."""

WEBHOOKS: Final = (
    Operation(
        "receiveBankingWebhook", "POST", "/webhooks/banking", "A signed webhook of the bank aggregator",
        "webhooks", Door.SIGNED,
        {
            200: Body("Taken before.", hooks.WebhookDuplicate),
            202: Body("Taken, durable.", hooks.WebhookTaken),
        },
        None,
        problems=_OF_WEBHOOKS, body=Body("As the aggregator writes it.", hooks.WebhookEvent),
        proof=Proof.SEED,
    ),
    Operation(
        "receivePowensWebhook", "POST", "/webhooks/powens", "A signed webhook of Powens", "webhooks",
        Door.SIGNED,
        {
            200: Body("All of it was taken before.", hooks.WebhookDuplicate),
            202: Body("Taken, durable.", hooks.WebhookTaken),
        },
        None,
        problems=_OF_WEBHOOKS, body=Body("As Powens writes it.", hooks.PowensEvent),
        proof=Proof.POWENS,
    ),
    Operation(
        "receivePlaidWebhook", "POST", "/webhooks/plaid", "A signed webhook of Plaid", "webhooks",
        Door.SIGNED,
        {
            200: Body("Taken before, or nothing follows from it.", hooks.WebhookSettled),
            202: Body("Taken, durable.", hooks.WebhookTaken),
        },
        None,
        problems=(*_OF_WEBHOOKS, "BANK_PROVIDER_UNAVAILABLE"),
        body=Body("As Plaid writes it.", hooks.PlaidEvent), proof=Proof.PLAID,
    ),
    Operation(
        "receiveTinkWebhook", "POST", "/webhooks/tink", "A signed webhook of Tink", "webhooks",
        Door.SIGNED,
        {
            200: Body("Taken before, or nothing follows from it.", hooks.WebhookSettled),
            202: Body("Taken, durable.", hooks.WebhookTaken),
        },
        None,
        problems=_OF_WEBHOOKS, body=Body("As Tink writes it.", hooks.TinkEvent), proof=Proof.TINK,
    ),
    Operation(
        "receiveDocusignWebhook", "POST", "/webhooks/docusign", "A signed webhook of DocuSign Connect",
        "webhooks", Door.SIGNED,
        {
            200: Body("Known before, or nothing waits for it.", hooks.WebhookSettled),
            202: Body("Taken, durable.", hooks.WebhookTaken),
        },
        None,
        problems=_OF_DOCUSIGN, body=Body("As DocuSign writes it (JSON SIM).", hooks.DocusignEvent),
        proof=Proof.DOCUSIGN,
    ),
    Operation(
        "receiveKycWebhook", "POST", "/webhooks/kyc", "A signed webhook of the identity bureau",
        "webhooks", Door.SIGNED,
        {
            200: Body("Taken before, or nothing waits for it; it is on record.", hooks.WebhookSettled),
            202: Body("Taken, durable.", hooks.WebhookTaken),
        },
        None,
        problems=_OF_WEBHOOKS, body=Body("As the bureau writes it.", hooks.KycEvent), proof=Proof.SEED,
    ),
)  # fmt: skip
