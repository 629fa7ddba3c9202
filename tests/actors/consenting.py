"""Samples of what a person lets clients do: each phase, and what may be said to it."""

from comptoir.actors.consent import machine as consent
from comptoir.actors.consent.messages import (
    FindConsent,
    GiveConsent,
    ListConsents,
    NoteFamily,
    WithdrawConsent,
)
from comptoir.engine import Message

__all__ = ["CONSENTS", "TO_CONSENT"]

NOW = 1_800_000_000_000
GIVEN = consent.Consent("web", ("openid",), 1, 1, NOW, (consent.Family("f", NOW + 1),))
CONSENTS = (
    consent.ConsentState(consent.Phase.NONE),
    consent.ConsentState(consent.Phase.KEPT, 1, (GIVEN,)),
)
TO_CONSENT: tuple[Message, ...] = (
    FindConsent("web", (), 1), GiveConsent("web", ("offline_access",), 2), WithdrawConsent("web"),
    ListConsents(), NoteFamily("web", 1, "g", NOW + 1),
)  # fmt: skip
