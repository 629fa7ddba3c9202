"""What the engine of a daemon is made of, and for how long what has ended is kept.

Rule: every kind, gateway and snapshot is listed here; nothing is found by walking. Source: design.md 1, 5 and 6; spec.md S44, S60, S62.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Protocol

from prometheus_client import CollectorRegistry

from comptoir.actors.account.kind import account_spec
from comptoir.actors.account.measures import AccountMeasures
from comptoir.actors.account.terms import CORE_TERMS, CoreTerms
from comptoir.actors.approval.messages import KIND as APPROVAL
from comptoir.actors.authorization_code.messages import KIND as CODE
from comptoir.actors.browser_session.messages import KIND as SESSION
from comptoir.actors.candidates.kind import candidates_spec
from comptoir.actors.claim.kind import claim_spec
from comptoir.actors.claim.messages import KIND as CLAIM
from comptoir.actors.claim.state import ClaimState
from comptoir.actors.connection.kind import connection_spec
from comptoir.actors.connection.views import find_access
from comptoir.actors.consent_week.kind import consent_week_spec
from comptoir.actors.cutoffs import CUTOFFS, Cutoffs
from comptoir.actors.device.kind import device_spec
from comptoir.actors.disposition.messages import KIND as DISPOSITION
from comptoir.actors.endpoint.terms import OUTWARD_TERMS, OutwardTerms
from comptoir.actors.gateways.docusign_meaning import PROVIDER as DOCUSIGN
from comptoir.actors.gateways.payee import PayeeDesk
from comptoir.actors.gateways.plaid_keys import PlaidKeys
from comptoir.actors.gateways.signing_desk import SigningDesk
from comptoir.actors.invitation.terms import TERMS, Terms
from comptoir.actors.kyc.kind import kyc_spec
from comptoir.actors.kyc.measures import KycMeasures
from comptoir.actors.kyc.terms import KYC_TERMS, KycTerms
from comptoir.actors.letter_report.terms import TERMS as REPORT_TERMS
from comptoir.actors.letter_report.terms import ReportTerms
from comptoir.actors.list_measures import ListMeasures
from comptoir.actors.measures import CashbackMeasures
from comptoir.actors.merchants.reading import merchants_spec, partners_reference
from comptoir.actors.notification.kind import notification_spec
from comptoir.actors.notification.terms import TERMS as NOTICE_TERMS
from comptoir.actors.notification.terms import Terms as NoticeTerms
from comptoir.actors.numbering.kind import numbering_spec
from comptoir.actors.onboarding.kind import onboarding_spec
from comptoir.actors.onboarding.terms import TERMS as ONBOARDING_TERMS
from comptoir.actors.onboarding.terms import OnboardingTerms
from comptoir.actors.onboarding_day.kind import onboarding_day_spec
from comptoir.actors.onboarding_measures import OnboardingMeasures
from comptoir.actors.payment_measures import PaymentMeasures
from comptoir.actors.payout_batch.kind import payout_batch_spec
from comptoir.actors.payout_file.kind import payout_file_spec
from comptoir.actors.payout_report.kind import payout_report_spec
from comptoir.actors.programme import DAY_MS, PROGRAMME, Programme
from comptoir.actors.reconciliation.kind import reconciliation_spec
from comptoir.actors.reconciliation.terms import RECONCILING, ReconcilingTerms
from comptoir.actors.refresh_family.messages import KIND as FAMILY
from comptoir.actors.review.kind import review_spec
from comptoir.actors.review.terms import TERMS as REVIEW_TERMS
from comptoir.actors.review.terms import ReviewTerms
from comptoir.actors.revocation.messages import LIFE
from comptoir.actors.screening.desk import ListDesk
from comptoir.actors.sighting.kind import sighting_spec
from comptoir.actors.signature.kind import signature_spec
from comptoir.actors.signature.measures import SignatureMeasures
from comptoir.actors.signature.terms import SIGNING_TERMS, SigningTerms
from comptoir.actors.wallet.messages import AdjustPoints
from comptoir.actors.wallet.reading import wallet_spec
from comptoir.actors.watch_list.kind import watch_list_spec
from comptoir.actors.watch_list.terms import LIST_TERMS, ListTerms
from comptoir.actors.withdrawal.kind import withdrawal_spec
from comptoir.actors.withdrawal.machine import WithdrawalState
from comptoir.engine.boot.access import access_life_ms, access_references, access_specs
from comptoir.engine.boot.bus import CoreBus
from comptoir.engine.boot.contracts import Verifier, open_contracts
from comptoir.engine.boot.core_banking import core_gateways
from comptoir.engine.boot.custody import keys_gateway
from comptoir.engine.boot.documents import DocumentDesk, objects_gateway
from comptoir.engine.boot.feeding import event_specs, open_outward
from comptoir.engine.boot.inspection import inspection_gateway
from comptoir.engine.boot.keys import Keys
from comptoir.engine.boot.letters import letters_gateway
from comptoir.engine.boot.parties import linking_specs, open_parties
from comptoir.engine.boot.paying import open_payees, open_payments
from comptoir.engine.boot.people import people_gateways
from comptoir.engine.boot.screening import open_lists, screening_gateways
from comptoir.engine.boot.sightings import Sightings
from comptoir.engine.clock import BusinessClock
from comptoir.engine.compose import actor_bounds, engine_bounds
from comptoir.engine.engine import Engine
from comptoir.engine.errors import Stopping
from comptoir.engine.journal import Decided, Journal
from comptoir.engine.moves import Moves
from comptoir.engine.parts import Parts
from comptoir.engine.settings import Settings
from comptoir.engine.spec import ActorSpec, Bounds
from comptoir.engine.tally import Tally
from comptoir.engine.telemetry import Telemetry
from comptoir.engine.values import Address, Message, Reply
from comptoir.http.identity.opening import Identity

__all__ = ["Around", "kept_ms", "parts_of"]


class Around(Protocol):
    """What of a daemon its engine's parts need."""

    settings: Settings
    telemetry: Telemetry
    clock: BusinessClock
    programme: Programme
    identity: Identity | None
    moves: Moves
    documents: DocumentDesk
    bus: CoreBus
    verification_keys: PlaidKeys | None
    """Set here: they are asked for with the gateway's clients."""
    payees: PayeeDesk | None
    """Likewise."""
    lists: ListDesk | None
    """Likewise."""
    verifier: Verifier | None
    """Likewise."""
    signing_desk: SigningDesk | None
    """Likewise."""
    engine: Engine | None

    def blind(self, provider: str, connection_id: str) -> str:
        """The keyed blind index of a connection (X15)."""
        ...


def sightings_of(daemon: Around, keys: Keys | None) -> Sightings:
    """Who knows where documents were seen: actors, under addresses that only our keys can make."""

    def index(field: str, value: str) -> str:
        if keys is None:
            raise Stopping("nothing is sealed here")
        return keys.sealer.blind_index(field, value).hex()

    async def ask(address: Address, message: Message) -> Reply | None:
        if daemon.engine is None:
            raise Stopping("the engine is not open yet")
        return (await daemon.engine.ask(address, message)).reply

    return Sightings(index, ask)


def kept_ms(settings: Settings) -> Mapping[str, int]:
    """For how long what has ended is kept (engine/housekeeping.py)."""
    kept = settings.retention
    return {
        "dead_letters": settings.dead_letters.ttl_days * DAY_MS,
        **dict.fromkeys((SESSION, CODE, FAMILY), kept.access_days * DAY_MS),
        **dict.fromkeys((APPROVAL, DISPOSITION), kept.approval_days * DAY_MS),
        CLAIM: settings.once.transaction_days * DAY_MS,
    }


def _tell_of_claim(moves: Moves, decided: Decided) -> None:
    """Whoever waits for a claim that its provider is asked about hears of its decisions."""
    state = decided.decision.state
    if isinstance(state, ClaimState) and state.id:
        moves.decided(state.id, decided)


def _tell_of_withdrawal(moves: Moves, decided: Decided) -> None:
    """Whoever waits for a withdrawal to leave its batch hears of its decisions."""
    state = decided.decision.state
    if isinstance(state, WithdrawalState) and state.order is not None:
        moves.decided(state.order.reference, decided)


def _count_all(counts: Sequence[Callable[[Decided], None]], decided: Decided) -> None:
    """Where more than one counts what a kind decides."""
    for count in counts:
        count(decided)


def _tell_of_adjustment(moves: Moves, measure: Callable[[Decided], None], decided: Decided) -> None:
    """Whoever has approved one hears what the wallet has decided."""
    measure(decided)
    message = decided.message
    if isinstance(message, AdjustPoints):
        moves.moved(message.adjustment_id)


def _of_files(
    bounds: Bounds, registry: CollectorRegistry, lists: ListDesk, healed: Tally
) -> tuple[ActorSpec[Any], ...]:
    """Kinds of clients' files: what they are assessed by, who reviews them, and what is measured of it."""
    measures = OnboardingMeasures(registry)
    return (
        onboarding_spec(bounds),
        kyc_spec(bounds, KycMeasures(registry).count),
        watch_list_spec(bounds, ListMeasures(registry, lists.names).watch_list),
        review_spec(bounds, measures.review),
        onboarding_day_spec(bounds, measures.day),
        sighting_spec(bounds),
        account_spec(bounds, AccountMeasures(registry).count),
        signature_spec(bounds, SignatureMeasures(healed).count),
    )


def _constants(daemon: Around) -> Mapping[str, Any]:
    """What every decision may read of the settings."""
    settings = daemon.settings
    return {
        PROGRAMME: daemon.programme,
        CUTOFFS: Cutoffs.of(settings),
        TERMS: Terms.of(settings),
        NOTICE_TERMS: NoticeTerms.of(settings),
        REPORT_TERMS: ReportTerms.of(settings),
        RECONCILING: ReconcilingTerms.of(settings),
        ONBOARDING_TERMS: OnboardingTerms.of(settings),
        KYC_TERMS: KycTerms.of(settings),
        LIST_TERMS: ListTerms.of(settings),
        REVIEW_TERMS: ReviewTerms.of(settings),
        CORE_TERMS: CoreTerms.of(settings),
        SIGNING_TERMS: SigningTerms.of(settings),
        OUTWARD_TERMS: OutwardTerms.of(settings),
        LIFE: access_life_ms(settings),
    }


async def parts_of(
    daemon: Around, keys: Keys | None, journal: Journal, stack: AsyncExitStack
) -> Parts:
    """What the engine is made of.

    Args:
        daemon: whose.
        keys: what seals; None in memory.
        journal: where decisions go.
        stack: what is opened here is closed with it.
    """
    settings = daemon.settings
    registry = daemon.telemetry.registry
    measures = CashbackMeasures(registry, daemon.telemetry.credit_seconds, daemon.clock.now)
    payments = PaymentMeasures(registry)
    tell = partial(_tell_of_withdrawal, daemon.moves)
    of_withdrawals = (measures.withdrawal, payments.withdrawal, tell)
    parties = await open_parties(settings, daemon.blind, partial(find_access, journal), stack)
    daemon.verification_keys = parties.plaid_keys
    daemon.payees = await open_payees(settings, registry, stack)
    gateways = parties.gateways
    gateways.append(await open_payments(settings, journal, stack))
    gateways.extend(await people_gateways(settings, stack))
    gateways.append(keys_gateway(keys.keyring if keys else None, journal))
    gateways.append(objects_gateway(daemon.documents))
    gateways.append(
        inspection_gateway(daemon.documents, settings.documents, sightings_of(daemon, keys))
    )
    contracts = await open_contracts(settings, daemon.documents, registry, stack)
    daemon.verifier, daemon.signing_desk = contracts.verifier, contracts.signing
    gateways.extend(contracts.gateways)
    gateways.append(letters_gateway(journal, lambda: daemon.engine))
    gateways.extend(await core_gateways(daemon.bus, settings, lambda: daemon.engine, stack))
    daemon.lists = await open_lists(settings, journal, stack)
    gateways.extend(screening_gateways(daemon.lists, journal))
    gateways.append(await open_outward(settings, journal, stack))
    bounds = actor_bounds(settings)
    return Parts(
        journal=journal,
        clock=daemon.clock,
        actors=(
            merchants_spec(),
            *access_specs(bounds),
            *linking_specs(bounds, daemon.moves),
            connection_spec(bounds, measures.connection),
            consent_week_spec(bounds),
            candidates_spec(bounds),
            claim_spec(bounds, partial(_tell_of_claim, daemon.moves)),
            wallet_spec(bounds, partial(_tell_of_adjustment, daemon.moves, measures.wallet)),
            numbering_spec(bounds),
            withdrawal_spec(bounds, partial(_count_all, of_withdrawals)),
            payout_batch_spec(bounds, measures.batch),
            payout_file_spec(bounds),
            payout_report_spec(bounds),
            reconciliation_spec(bounds, payments.reconciliation),
            notification_spec(bounds),
            device_spec(bounds),
            *_of_files(bounds, registry, daemon.lists, measures.healed.of(DOCUSIGN)),
            *event_specs(bounds, daemon.moves, registry),
        ),
        gateways=gateways,
        references=(partners_reference(), *access_references(daemon.identity)),
        constants=_constants(daemon),
        bounds=engine_bounds(settings),
    )
