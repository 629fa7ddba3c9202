"""What the world is told of our events, and what it is not (S17, S33, E3)."""

import inspect
import pkgutil
from importlib import import_module
from types import ModuleType
from typing import Any

import msgspec
import pytest

from comptoir.actors import account, onboarding, withdrawal
from comptoir.actors.onboarding.assessing import KycCompleted
from comptoir.actors.onboarding.beginning import OnboardingInitiated
from comptoir.actors.onboarding.completing import DocumentsUploaded
from comptoir.actors.onboarding.onward_events import (
    AccountCreated,
    ContractSigned,
    ProfileSynced,
)
from comptoir.actors.public_events import PARTNER_TYPES, PUBLIC, TYPES, publish
from comptoir.actors.withdrawal.outcome import Phase
from comptoir.actors.withdrawal.state import WithdrawalMoved
from comptoir.engine.values import Event, encode
from comptoir.http.shapes_events import PublicEvent

ROOMS: dict[str, ModuleType] = {
    "onboarding": onboarding, "account": account, "withdrawal": withdrawal,
}  # fmt: skip


def _events(kind: str) -> dict[str, type[Event]]:
    found: dict[str, type[Event]] = {}
    for module in pkgutil.iter_modules(ROOMS[kind].__path__):
        members = vars(import_module(f"{ROOMS[kind].__name__}.{module.name}"))
        found |= {
            name: one
            for name, one in members.items()
            if inspect.isclass(one) and issubclass(one, Event) and one.__module__.startswith(ROOMS[kind].__name__)
        }  # fmt: skip
    return found


def test_every_row_is_about_an_event_that_there_is() -> None:
    """A row whose event was renamed would tell nobody, in silence."""
    assert not {(kind, name) for kind, name in PUBLIC if name not in _events(kind)}


def test_the_five_of_the_source_are_told() -> None:
    """S17, S33: the five domain events, and what the mainframe changes."""
    assert set(TYPES) >= {
        "ONBOARDING_INITIATED", "DOCUMENTS_UPLOADED", "KYC_COMPLETED", "CONTRACT_SIGNED", "ACCOUNT_CREATED",
        "PROFILE_CHANGED",
    }  # fmt: skip


def test_the_description_names_the_same_types() -> None:
    """What an endpoint may ask for is what there is."""
    (field,) = (one for one in msgspec.structs.fields(PublicEvent) if one.name == "type")
    assert field.type.__args__ == TYPES


def test_what_an_assessment_came_to() -> None:
    """S17: KYC_COMPLETED(score, recommendation), and neither the phase nor the bus's topic."""
    payload = encode(KycCompleted(85, "AUTO_APPROVE", "KYC_APPROVED", "onboarding.kyc.approved"))
    told = publish("onboarding", "KycCompleted", payload)
    assert told == ("KYC_COMPLETED", {"score": 85, "recommendation": "AUTO_APPROVE"})


NOTHING: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("kind", "event", "told"),
    [
        ("onboarding", DocumentsUploaded(), ("DOCUMENTS_UPLOADED", NOTHING)),
        ("onboarding", ContractSigned(2, "embedded", "00" * 32), ("CONTRACT_SIGNED", {"provider": "embedded", "round": 2})),
        ("onboarding", AccountCreated(), ("ACCOUNT_CREATED", NOTHING)),
        ("onboarding", ProfileSynced("c1", 1, ("name/last", "address/city"), 7),
         ("PROFILE_CHANGED", {"changeId": "c1", "fields": ["address/city", "name/last"]})),
    ],
)  # fmt: skip
def test_what_is_told_of_each(kind: str, event: Event, told: object) -> None:
    """S17, S33: what its row names, of the event as its machine puts it on record."""
    assert publish(kind, type(event).__name__, encode(event)) == told


@pytest.mark.parametrize("phase", ["COMPLIANCE_HOLD", "KYC_REJECTED", "KYC_APPROVED"])
def test_of_a_withheld_case_nobody_is_told(phase: str) -> None:
    """E3: where reasons are withheld there is no event at all, however the case ends; no partner hears of any."""
    payload = encode(KycCompleted(None, None, phase, ""))
    assert publish("onboarding", "KycCompleted", payload) is None
    assert "KYC_COMPLETED" not in PARTNER_TYPES
    assert "PROFILE_CHANGED" not in PARTNER_TYPES


def test_nobody_is_named() -> None:
    """S60: an advisor's address and a partner's id stay inside."""
    payload = encode(OnboardingInitiated("INDIVIDUAL", "jean.dupont@bnc.ca", 1, "cl_1"))
    told = publish("onboarding", "OnboardingInitiated", payload)
    assert told is not None
    assert told.data == {"clientType": "INDIVIDUAL", "initiatedBy": "PARTNER"}


@pytest.mark.parametrize("phase", Phase)
def test_a_withdrawal_tells_what_its_person_sees(phase: Phase) -> None:
    """X26: asked for, and how it ended; what it does between is told to nobody."""
    told = publish("withdrawal", "WithdrawalMoved", encode(WithdrawalMoved(phase.value, "AC04")))
    ends = {"pending", "completed", "failed", "cancelled", "returned"}
    if phase.value in ends:
        assert told == ("WITHDRAWAL_MOVED", {"status": phase.value})
    else:
        assert told is None


def test_of_the_erased_there_is_the_type_alone() -> None:
    """E13: the payload went with its person's key."""
    assert publish("onboarding", "OnboardingInitiated", b"") == ("ONBOARDING_INITIATED", {})


def test_what_has_no_row_is_told_to_nobody() -> None:
    """Every other event stays inside."""
    assert publish("wallet", "PointsCredited", b"{}") is None
    assert publish("onboarding", "DocumentAnnounced", b"{}") is None


def test_an_advisor_may_say_that_a_partner_brought_it() -> None:
    """S5, interface.md 8: told as it was said; of what an earlier release wrote, as its partner tells."""
    for begun, told in (
        (OnboardingInitiated("INDIVIDUAL", "c.martin", 1, "", "PARTNER"), "PARTNER"),
        (OnboardingInitiated("INDIVIDUAL", "c.martin", 1, "", "CONSEILLER"), "CONSEILLER"),
        (OnboardingInitiated("INDIVIDUAL", "c.martin", 1), "CONSEILLER"),
        (OnboardingInitiated("INDIVIDUAL", "", 1, "cl_1"), "PARTNER"),
    ):
        found = publish("onboarding", "OnboardingInitiated", encode(begun))
        assert found is not None
        assert found.data["initiatedBy"] == told
