"""The gateway `sms` by Twilio's Messages resource (S44).

Rule: one text to one number. The account's SID is in the path, as Twilio has it; it is no secret.
Source: Twilio's documentation of `POST /2010-04-01/Accounts/{AccountSid}/Messages.json` (a form of `To`,
`From` and `Body`; HTTP Basic with SID and token; 201); spec.md S44, S63, S65.
"""

from dataclasses import dataclass

import httpx

from comptoir.actors.gateways.messages import SMS, SendSms
from comptoir.actors.gateways.notices import DEAD_QUEUE, notice
from comptoir.engine.gateway_spec import GatewayBounds, GatewaySpec

__all__ = ["TwilioAccount", "twilio_gateway"]


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """Who we are to Twilio."""

    sid: str
    token: str
    sender: str
    """A number of ours in E.164, or a sender's name that Twilio has registered."""

    def __repr__(self) -> str:
        return f"<TwilioAccount {self.sid}>"


def twilio_gateway(
    client: httpx.AsyncClient, account: TwilioAccount, bounds: GatewayBounds
) -> GatewaySpec:
    """The gateway over an HTTP client whose base URL is Twilio's."""
    path = f"/2010-04-01/Accounts/{account.sid}/Messages.json"
    basic = httpx.BasicAuth(account.sid, account.token)

    async def send(message: SendSms) -> httpx.Response:
        form = {"To": message.to, "From": account.sender, "Body": message.text}
        return await client.post(path, data=form, auth=basic)

    return GatewaySpec(SMS.kind, {SendSms: notice("SMS", send)}, bounds, dead_queue=DEAD_QUEUE)
