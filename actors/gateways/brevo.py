"""Mail by Brevo's transactional API (S44).

Rule: plain text, to one person. Brevo wants HTML, and follows clicks on what is a link there: so the HTML is
the text as it is, with no link in it for Brevo to replace by an address of its own (X8).
Source: developers.brevo.com/reference/sendtransacemail (`POST /v3/smtp/email`, header `api-key`; `htmlContent`
is required where there is no template; 201 with `messageId`; errors of `code` and `message`); spec.md S44,
S63, S65.
"""

from html import escape

import httpx

from comptoir.actors.gateways.mail import Carrier
from comptoir.actors.gateways.messages import SendMail

__all__ = ["brevo"]


def brevo(client: httpx.AsyncClient, api_key: str, sender: str, timeout_s: float) -> Carrier:
    """Brevo over an HTTP client whose base URL is its own; as `sendgrid`."""

    async def send(message: SendMail) -> httpx.Response:
        page = (
            f'<pre style="font-family: inherit; white-space: pre-wrap">{escape(message.text)}</pre>'
        )
        body = {
            "sender": {"email": sender},
            "to": [{"email": message.to}],
            "subject": message.subject,
            "htmlContent": page,
            "textContent": message.text,
        }
        headers = {"api-key": api_key, "accept": "application/json"}
        return await client.post("/v3/smtp/email", json=body, headers=headers)

    return Carrier(send, timeout_s)
