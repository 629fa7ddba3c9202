"""What people see of a connection: one document, written with every decision that changes it (S59)."""

from comptoir.actors.connection.messages import CONNECTIONS
from comptoir.actors.connection.state import ConnectionState, Phase
from comptoir.engine import Put

__all__ = ["shown"]

STATUS = {
    Phase.LINKED: "active",
    Phase.LAPSED: "expired",
    Phase.REVOKING: "revoking",
    Phase.REVOKED: "revoked",
}


def shown(state: ConnectionState) -> Put:
    """S59 lets last digits and bank stand in clear."""
    condition = state.condition
    fields = {
        "id": state.id,
        "provider": state.provider,
        "bank_name": state.bank_name,
        "card_last4": state.card_last4,
        "status": STATUS[state.phase],
        "consent_expires_at": state.consent_expires_at,
        "linked_at": state.linked_at,
        "condition": condition.name if condition is not None else None,
        "next_try": condition.next_try if condition is not None else 0,
    }
    return Put(CONNECTIONS, state.user_id, {state.id: fields}, state.user_id)
