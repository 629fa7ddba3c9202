"""The push party: tells users on their devices (S44, S52). Silent for the flow (S65).

Rule: a failure here never blocks or undoes points; what cannot be delivered ends in
dlq:notifications (S64). The adapter speaks to the sandbox's receiver; FCM's own protocol comes with
the notifications issue, behind the same message.
"""

import httpx

from comptoir.actors.gateways.messages import PUSH, SendPush
from comptoir.engine.gateway_spec import (
    CallContext,
    CallFault,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.values import Message

__all__ = ["push_gateway"]

TEXTS = {
    "points_credited": ("Cashback", "{points} points ont été crédités / {points} points earned"),
    "consent_ending": (
        "Votre banque / Your bank",
        "Reconnectez-la d'ici {days} j / Reconnect it within {days} d",
    ),
    "withdrawal_completed": (
        "Retrait / Withdrawal",
        "{points} points ont été virés / {points} points were paid out",
    ),
    "withdrawal_failed": (
        "Retrait / Withdrawal",
        (
            "Le virement a échoué : vos points sont de nouveau disponibles"
            " / The transfer failed: your points are available again"
        ),
    ),
    "withdrawal_returned": (
        "Retrait / Withdrawal",
        (
            "Le virement nous est revenu : vos points sont de nouveau disponibles"
            " / The transfer came back: your points are available again"
        ),
    ),
    "withdrawal_held": (
        "Retrait / Withdrawal",
        (
            "Nous vérifions votre virement, et vous tenons au courant"
            " / We are checking your transfer, and will tell you"
        ),
    ),
    "withdrawal_overdue": (
        "Retrait / Withdrawal",
        (
            "Votre virement prend plus de temps que prévu : nous nous renseignons"
            " / Your transfer takes longer than expected: we are finding out"
        ),
    ),
    "points_expiring": (
        "Cashback",
        "{points} points expirent dans {days} j / {points} points expire in {days} d",
    ),
    "tier_reached": (
        "Cashback",
        (
            "Vous avez atteint le palier de {points} points"
            " / You have reached the tier of {points} points"
        ),
    ),
    "consent_ended": ("Votre banque / Your bank", "Reconnectez-la / Reconnect it"),
}
SERVER_ERRORS = 500
TOO_MANY_REQUESTS = 429


def push_gateway(client: httpx.AsyncClient, bounds: GatewayBounds) -> GatewaySpec:
    """The gateway `push` over an HTTP client whose base URL is the party's."""

    async def send(message: SendPush, context: CallContext) -> Message | None:
        title, body = TEXTS[message.template]
        try:
            response = await client.post(
                "/push/send",
                json={
                    "userId": message.user_id,
                    "title": title,
                    "body": body.format(points=message.points, days=message.days),
                    "data": {"reference": message.reference, "points": message.points},
                },
                headers={"Idempotency-Key": context.business_key},
            )
        except httpx.TransportError as error:
            raise CallFault("PUSH_UNREACHABLE", retryable=True) from error
        if response.status_code >= SERVER_ERRORS or response.status_code == TOO_MANY_REQUESTS:
            raise CallFault("PUSH_UNAVAILABLE", retryable=True)
        if not response.is_success:
            raise CallFault("PUSH_REFUSED", retryable=False, sick=False)
        return None

    return GatewaySpec(
        PUSH.kind,
        {SendPush: Operation(send, lambda message: f"push:{message.reference}")},
        bounds,
        dead_queue="dlq:notifications",
    )
