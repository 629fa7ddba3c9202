"""Mail by SendGrid's v3 mail/send (S44).

Rule: plain text, to one person. Clicks and openings are not followed: to follow a click, SendGrid puts an
address of its own in place of ours, and a link that is good once would go through its logs (X8).
Source: SendGrid's documentation of `POST /v3/mail/send` (202 with no body when it is taken) and of
`tracking_settings`; spec.md S44, S63, S65.
"""

import httpx

from comptoir.actors.gateways.mail import Carrier
from comptoir.actors.gateways.messages import SendMail

__all__ = ["sendgrid"]

UNTRACKED = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
}


def sendgrid(client: httpx.AsyncClient, api_key: str, sender: str, timeout_s: float) -> Carrier:
    """SendGrid over an HTTP client whose base URL is its own.

    Args:
        client: keeps the connections.
        api_key: of the account.
        sender: an address that SendGrid knows as ours.
        timeout_s: of one call.
    """

    async def send(message: SendMail) -> httpx.Response:
        body = {
            "personalizations": [{"to": [{"email": message.to}]}],
            "from": {"email": sender},
            "subject": message.subject,
            "content": [{"type": "text/plain", "value": message.text}],
            "tracking_settings": UNTRACKED,
        }
        headers = {"Authorization": f"Bearer {api_key}"}
        return await client.post("/v3/mail/send", json=body, headers=headers)

    return Carrier(send, timeout_s)
