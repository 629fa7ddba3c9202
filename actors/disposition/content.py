"""What of a dead letter's message a person may read, who may read people's data.

The rule: a field is shown if it is named here, and so never by forgetting: of a message that is not listed
only its name is told. What lets anybody in (tokens, codes, links, digests of them) and what a provider's
connection is called stands in no list (S58, S59, invariant 8); nor does a mail's text, which may have a link
in it. What is not shown is said by its name.
Source: spec.md S58, S59, S60, X23; design.md 9 (invariant 8).
"""

from collections.abc import Mapping
from typing import Any, Final, TypeGuard

import msgspec

__all__ = ["READABLE", "Content", "content_of"]

_REPORT: Final = (
    "provider", "event", "transaction_id", "amount_cents", "currency", "direction", "date",
    "merchant_name", "mcc", "city", "country", "original_transaction_id", "revision", "removed", "pending",
    "healed",
)  # fmt: skip
_BANK: Final = ("reference",)
_NOTICE: Final = ("reference", "to")

READABLE: Final[Mapping[str, tuple[str, ...]]] = {
    # To a connection: purchases, and what a provider answered.
    "TransactionReported": _REPORT,
    "TransactionHeld": ("report",),
    "TransactionCorrected": ("report", "replaces"),
    "TransactionRemoved": ("provider", "transaction_id"),
    "ConnectionReported": ("provider", "event", "until"),
    "ReportHeld": ("report",),
    "TransactionsRead": ("reports", "more", "stands"),
    "TransactionsUnread": ("refused",),
    "TokensRefused": ("final",),
    "LinkConnection": ("user_id", "provider", "bank_name", "card_last4", "consent_expires_on"),
    "ConsentEnding": ("days",),
    "GrantPurchase": ("report", "partner", "claim"),
    "SeekPurchase": ("claim", "again"),
    "PurchaseRead": ("claim", "report"),
    "PurchaseUnread": ("claim", "refused", "ended"),
    # To a claim.
    "PurchaseFound": ("report", "standing"),
    "PurchaseMissed": ("reason",),
    "PurchaseDelayed": (),
    # To a watch list, and to those who read lists and cases: nobody's data.
    "ReloadList": ("by",),
    "LoadList": ("list", "version"),
    "ReadCases": ("walk", "after", "limit"),
    "CasesRead": ("walk", "after", "keys"),
    "RescreenDue": ("walk",),
    # To a week of consents.
    "CountConsent": ("provider", "left", "joined"),
    # To a user's candidates: purchases that matched nobody.
    "KeepCandidate": ("candidate", "replaces"),
    "DropCandidate": ("provider", "transaction_id"),
    "ForgetLink": (),
    # To a wallet.
    "Credit": (
        "provider", "transaction_id", "partner_id", "amount_cents", "eligible_cents", "rate_bp",
        "month", "cap_cents_month",
    ),
    "ClawBack": ("provider", "refund_id", "original_id", "amount_cents", "give_up_at"),
    "Restate": ("credit", "replaces", "revision"),
    "TakeBack": ("provider", "transaction_id", "revision"),
    "TellStanding": ("claim", "found"),
    "ReleasePoints": ("lot_id", "source", "key"),
    "MovePoints": ("withdrawal_id", "place", "cancelled"),
    "ExpirePoints": (),
    "ProposeAdjustment": ("adjustment_id", "approval_id", "points", "maker"),
    "AdjustPoints": ("adjustment_id", "points", "maker", "checker"),
    # To a withdrawal, and to whoever pays it.
    "BeginWithdrawal": (),
    "SettlementOver": (),
    "PaymentInitiated": ("payment_id",),
    "PaymentReported": ("event", "payment_id", "amount_cents", "currency", "reason"),
    "OutcomeUnknown": (),
    "SettleWithdrawal": ("outcome", "maker", "reason"),
    "ComparePayments": ("source", "day"),
    "LookUpPayment": ("withdrawal_id", "reference"),
    "InitiatePayment": ("withdrawal_id", "reference", "amount_cents", "currency"),
    "BatchJoined": ("batch",),
    "BatchClosed": (),
    "TakenFromBatch": (),
    # To a batch of payouts, its file, and what a bank reports of it.
    "JoinBatch": ("withdrawal_id", "reference", "amount_cents", "currency"),
    "LeaveBatch": ("withdrawal_id", "reference"),
    "CutOffReached": (),
    "WalkOn": ("after",),
    "DecisionDue": (),
    "BatchReported": ("word", "reason", "amount_cents", "currency"),
    "KeepFile": (),
    "UnmatchedFinding": (
        "why", "message_id", "word", "reference", "batch", "amount_cents", "currency", "reason", "booked_on",
        "direction",
    ),
    # To outside parties.
    "SendPush": ("reference", "user_id", "template", "points", "days"),
    "PushToDevice": ("category",),
    "PushMissed": (),
    "DeviceGone": (),
    "RegisterDevice": ("platform",),
    "RemoveDevice": (),
    "LoseDevice": (),
    "SetPreferences": (),
    "SetContact": ("channel",),
    "ConfirmContact": ("channel",),
    "RemoveContact": ("channel",),
    "ForgetNotices": (),
    "QuietOver": (),
    "ClaimDevice": (),
    "ReleaseDevice": (),
    "SendMail": (*_NOTICE, "subject"),
    "SendSms": _NOTICE,
    "NoticeTaken": ("reference",),
    "NoticeRefused": ("reference", "code"),
    "StartLink": (*_BANK, "redirect_uri", "duration_days"),
    "ExchangeCode": (*_BANK, "redirect_uri"),
    "ReadAccounts": _BANK,
    "ReadTransactions": _BANK,
    "FindPurchase": (*_BANK, "claim"),
    "RefreshTokens": _BANK,
    "RevokeAccess": _BANK,
    "RegisterWebhook": (*_BANK, "url"),
    # To a file, and to the store of documents: what a client calls a document stands in no list.
    "ClientReached": (),
    "FileExpired": (),
    "KeptLongEnough": (),
    "EraseFile": (),
    "ForgetInvitation": (),
    "ProveObject": ("reference", "path"),
    "DeleteObject": ("path",),
    "ObjectFound": ("reference", "size_bytes", "media_type", "sha256"),
    "ObjectAbsent": ("reference", "code"),
    "InspectDocument": ("reference", "path", "doc_type", "media_type"),
    "DocumentInspected": ("reference", "sha256", "flags"),
    # To a topic of the bus: what a record says may be anybody's, and stands in no list.
    "ReadRecord": ("topic", "partition", "offset"),
    # To a signature, and to whoever has contracts made and signed: who signs, and what the contract says of them, stands in no list.
    "OpenSigning": ("round", "template", "client_type"),
    "VoidSigning": ("reason",),
    "KeepContract": ("reason",),
    "ForgetContract": (),
    "EnvelopeReported": ("provider", "envelope_id", "status", "at", "healed"),
    "AdmitSigner": (),
    "SigningOver": ("round",),
    "StandingDue": ("round",),
    "MakeContract": ("reference", "path", "template", "client_type"),
    "ContractMade": ("reference", "sha256", "pages", "title", "path"),
    "CreateEnvelope": ("reference", "path", "sha256", "title"),
    "EnvelopeCreated": ("reference", "provider", "envelope_id"),
    "ReadEnvelope": ("reference", "envelope_id"),
    "EnvelopeStands": ("reference", "envelope_id", "status", "at"),
    "FetchSigned": ("reference", "envelope_id", "path", "document_path"),
    "SignedFetched": ("reference", "sha256", "path"),
    "VoidEnvelope": ("reference", "envelope_id", "reason"),
    "EnvelopeGone": ("reference", "signed", "envelope_id"),
    "SigningRefused": ("reference", "code"),
    # To a review and to the sums of a day; reasons of a hold stand in no list (E3).
    "OpenReview": ("round", "client_type", "accelerated"),
    "WithdrawReview": ("round",),
    "ReviewDue": (),
    "CountStage": ("stage", "waits", "ms"),
    "CountFate": ("fate", "cause"),
    "CountCase": ("rules_version", "outcome"),
    "CountReview": ("recommendation", "approved", "overdue", "screened"),
    "CountCalls": ("party", "calls"),
    # To a case and from it: whom it is about, and what it came to, is compliance's (E3).
    "AssessClient": ("round", "client_type", "accelerated"),
    "BureauReported": ("healed",),
    "CaseDue": (),
    "ForgetCase": (),
    "DescribeCase": (),
    "KycConcluded": ("round",),
    "CaseReviewed": ("round",),
    "RescreenCase": ("list", "version"),
    "PartiesChanged": (),
    # To those who know about people, and back: who is asked about, and what is said of them, stands in no list.
    "StartVerification": ("reference", "onboarding_id", "client_type"),
    "VerificationStarted": ("reference", "verification_id"),
    "ReadVerification": ("reference", "onboarding_id", "verification_id"),
    "CheckAddress": ("reference",),
    "AddressChecked": ("reference", "verified", "likeness"),
    "CheckCredit": ("reference",),
    "CreditChecked": ("reference",),
    "SearchMedia": ("reference",),
    "MediaSearched": ("reference",),
    "ScreenParty": ("reference",),
    "PartyScreened": ("reference", "lists"),
    "CheckImpossible": ("reference", "check", "code"),
    "SeeDocument": (),
    "CompareLook": (),
    "NoteRefusedLook": (),
    "ForgetSighting": (),
    # What the world is told: where to, and with what it is signed, stands in no list.
    "NotePublic": ("after", "through"),
    "FeedGrew": ("position",),
    "RetryDue": (),
    "ReplayEvents": ("after", "position"),
    "DeliverNext": ("serial", "endpoint_id", "after", "upto", "types"),
    "DeliveryEnded": ("serial", "outcome", "position", "status", "took_ms"),
    # To an account on the mainframe, its bus and its queues: whose it is and what a record holds stands in no list.
    "OpenAccount": ("client_id",),
    "LookForAccount": (),
    "SettleAccount": ("outcome", "maker", "reason", "checker"),
    "DisownAccount": (),
    "AccountHeld": ("at",),
    "CommandAnswered": ("command_id", "client_id", "outcome", "healed"),
    "CoreBankingChanged": ("change_id", "client_id", "sequence", "at"),
    "CorrectProfile": ("number",),
    "CorrectionDue": (),
    "CoreProfileChanged": ("change_id", "sequence", "at"),
    "CorrectionAnswered": ("number", "outcome"),
    "AccountDue": (),
    "ChangesDue": (),
    "PublishCommand": ("command_id", "command", "client_id", "at"),
    "CommandPublished": ("command_id",),
    "CommandRefused": ("command_id",),
    "PublishEvent": ("event_id", "event", "client_id", "at"),
    "EventPublished": ("event_id",),
    "CreateAccount": ("command_id", "client_id"),
    "FindAccount": ("command_id", "client_id"),
    "FindAddress": ("command_id", "client_id"),
    "SendRecord": ("command_id", "client_id"),
    "ReplyTaken": ("correlation_id", "change"),
    # Within the house.
    "DestroyKeys": ("reference",),
    "RotateKey": ("what", "reference"),
    "SettleLetters": ("reference", "act", "letters"),
    "DisposeLetter": ("act", "letter", "maker", "reason"),
    "ReplayLetters": ("until", "maker", "per_second"),
    "LettersUnsettled": ("code",),
    "NoteReading": ("letter", "reader"),
    "KeysDestroyed": ("keys",),
    "RecordToken": (),
}  # fmt: skip
"""Message -> its fields that are shown."""


class Content(msgspec.Struct, frozen=True):
    """A message, as far as it is shown."""

    message: str
    """Its name."""
    fields: Mapping[str, Any]
    withheld: tuple[str, ...]
    """Names of the fields that are not shown; of one that is inside another, `outer.inner`."""


def _is_dict(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def content_of(payload: bytes) -> Content:
    """What is shown of a stored message; of one that cannot be read, nothing."""
    try:
        value = msgspec.json.decode(payload)
    except msgspec.DecodeError:
        return Content("", {}, ())
    if not _is_dict(value):
        return Content("", {}, ())
    fields, withheld = _shown(value)
    return Content(str(value.get("type", "")), fields, tuple(withheld))


def _shown(raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The fields of one message or of one inside it."""
    readable = READABLE.get(str(raw.get("type", "")), ())
    fields: dict[str, Any] = {}
    withheld: list[str] = []
    for name, value in raw.items():
        if name == "type":
            continue
        if name not in readable:
            withheld.append(name)
        elif _is_dict(value):
            inner, kept_back = _shown(value)
            fields[name] = inner
            withheld += [f"{name}.{one}" for one in kept_back]
        elif _is_list(value):
            fields[name], kept_back = _listed(value)
            withheld += [f"{name}.{one}" for one in kept_back]
        else:
            fields[name] = value
    return fields, withheld


def _listed(values: list[Any]) -> tuple[list[Any], list[str]]:
    """Entries that are messages are shown as such; numbers and texts as they are."""
    shown: list[Any] = []
    withheld: dict[str, None] = {}
    for value in values:
        if _is_dict(value):
            inner, kept_back = _shown(value)
            shown.append(inner)
            withheld |= dict.fromkeys(kept_back)
        elif not _is_list(value):
            shown.append(value)
    return shown, list(withheld)
