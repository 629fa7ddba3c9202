"""People as notices reach them, for tests of the edge: what real actors would say of them.

The rule: a fake answers as the actor whose device, wish or address is always the one that was just told.
Source: comptoir.actors.notification.messages.
"""

from comptoir.actors.notification.messages import (
    KIND,
    CodeOffered,
    ConfirmContact,
    Contact,
    ContactConfirmed,
    Device,
    NoticesDescribed,
    RegisterDevice,
    SetContact,
    SetPreferences,
)
from comptoir.engine import Address, Message, Reply

__all__ = ["of_notices"]

SINCE_MS = 1_763_994_600_000
CONTACTS = (
    Contact("mail", "ada@example.org", confirmed=True),
    Contact("sms", "+33612345678", confirmed=True),
)


def of_notices(address: Address, message: Message) -> Reply | None:
    """What is answered to what is said to these actors; None: it is said to others."""
    if address.kind != KIND:
        return None
    if isinstance(message, SetContact):
        return CodeOffered(SINCE_MS)
    if isinstance(message, ConfirmContact):
        return ContactConfirmed(good=True)
    device = Device("d1", "token-of-d1", "android", SINCE_MS, SINCE_MS)
    if isinstance(message, RegisterDevice):
        device = Device(message.device_id, message.token, message.platform, SINCE_MS, SINCE_MS)
    wishes = message.preferences if isinstance(message, SetPreferences) else None
    return NoticesDescribed((device,), wishes, CONTACTS)
