"""Settings of client onboarding: files, scoring, core banking (documents.py: their documents).

Rule: the weights and thresholds of the source stay as they are; the base that makes its own
example possible (score 85) is X1's.
Source: Part A of the specification (S1 to S40), X1 to X14, X31.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from comptoir.engine.settings.client_types import CLIENT_TYPES, TYPES, ClientType
from comptoir.engine.settings.fields import Section, flag, integer, number, option
from comptoir.engine.settings.kinds import ChoiceKind, IntegerKind, TextKind
from comptoir.engine.settings.kinds_made import ListKind
from comptoir.engine.settings.runtime import MAIL_ADDRESS

__all__ = ["CoreBanking", "Measures", "Onboarding", "Scoring"]

GAIN = (0, 100)
LOSS = (-100, 0)
SCORE = (0, 100)
COST = (0, 1_000_000)
QUEUE = TextKind("a queue name of at most 48 of [A-Za-z0-9._/%]", r"[A-Za-z0-9._/%]{1,48}")
COUNTRIES = ListKind(TextKind("an ISO 3166 code such as CH", r"[A-Z]{2}"), 0, 249)
ADDRESSES = ListKind(TextKind("a mail address", MAIL_ADDRESS), 0, 20)
TOPIC = TextKind("a topic name of at most 249 of [A-Za-z0-9._-]", r"[A-Za-z0-9._-]{1,249}")

DIFFERENCES = (
    "address", "nationality", "tax_residence", "tax_number", "tax_year", "tax_income",
)  # fmt: skip
"""All are told; the notice of another year or country is no contradiction by itself, and is not counted unless it is wanted."""


@dataclass(frozen=True, slots=True)
class Onboarding(Section):
    """Files of clients; used by onboarding."""

    number_prefix: str = option(
        "ONB",
        TextKind("1 to 8 of [A-Z]", r"[A-Z]{1,8}"),
        "Start of a file's number; 5 at most where there is a mainframe.",
        "S9",
    )
    portal_link_days: int = integer(
        7, "days", (1, 90), "Life of the client's single-use link.", "S9, X8"
    )
    portal_code_minutes: int = integer(
        10, "minutes", (1, 10), "Life of the code that is sent after the link was used.", "S34, X8"
    )
    portal_codes_max: int = integer(
        3, "codes", (1, 10), "Codes sent for one link, where one did not arrive.", "ours"
    )
    portal_code_tries_max: int = integer(
        5, "tries", (1, 10), "Wrong codes for one link; with the last of them it is dead.", "S34"
    )
    portal_session_minutes: int = integer(
        720, "minutes", (5, 1_440), "Longest life of a client's session.", "S34, X8"
    )
    portal_links_max: int = integer(
        3, "links", (0, 20), "So many links a client gets in a day by asking for them.", "X8, ours"
    )
    portal_idle_minutes: int = integer(
        30, "minutes", (1, 1_440), "A client's session that is not used ends after it.", "S34, X8"
    )
    reminder_days: tuple[int, ...] = option(
        (3, 1), ListKind(IntegerKind(1, 89), 0, 5),
        "The client is reminded so long before the end of the file's time.", "S14, ours", "days",
    )  # fmt: skip
    incomplete_kept_days: int = integer(
        90, "days", (1, 3_650),
        "A file that is INCOMPLETE can be resumed, and keeps what was accepted, for so long.",
        "S14, S16, ours",
    )  # fmt: skip
    owner_share_percent: int = integer(
        25, "%", (1, 100), "A beneficial owner by shares or votes has at least so much.", "S1, ours"
    )
    differences_counted: tuple[str, ...] = option(
        ("address", "nationality", "tax_number", "tax_income"), ListKind(ChoiceKind(DIFFERENCES), 0, 6),
        "What a document may not say otherwise than was declared, beside name and birth: it counts as data that disagree.",
        "S20, S25, ours", "differences",
    )  # fmt: skip
    partner_advisor: str = option(
        "", TextKind("a `sub` of at most 64 of [A-Za-z0-9._@-]", r"[A-Za-z0-9._@-]{0,64}"),
        "Whose files those of partners are; empty = compliance's alone.", "S5, ours",
    )  # fmt: skip
    partner_advisor_email: str = option(
        "", TextKind("a mail address, or an empty text", rf"({MAIL_ADDRESS})?"),
        "Where that advisor is told of files of partners; empty = nobody is.", "S5, ours",
    )  # fmt: skip
    auto_approval: bool = flag(
        True, "Whether a score alone may approve; off in strict jurisdictions.", "S40"
    )
    accelerated_review_days: int = integer(
        1, "business days", (1, 30), "Review of a partner's file is due within it.", "S5, X31"
    )
    review_days: int = integer(
        3, "business days", (1, 30), "Review of any other file is due within it.", "S27"
    )
    review_claim_minutes: int = integer(
        240,
        "minutes",
        (5, 10_080),
        "A claim of a review that is not renewed lapses after it.",
        "ours",
    )
    review_snooze_days: int = integer(
        7, "days", (1, 90), "Longest time for which a review is put off at once.", "ours"
    )
    compliance_emails: tuple[str, ...] = option(
        (), ADDRESSES, "Who is told of files that wait for review; empty = nobody is.", "S7, S11",
        "mail addresses",
    )  # fmt: skip
    signature_days: int = integer(
        30, "days", (1, 365), "A contract that is not signed within it makes its file INCOMPLETE.",
        "S14, S28, ours",
    )  # fmt: skip
    signature_reissues_max: int = integer(
        4, "contracts", (0, 20), "So often a contract is issued anew for one file.", "ours"
    )
    approval_days: int = integer(
        2, "business days", (1, 30),
        "An advisor is reminded of a signed file after it, and operations hear of it after as many again.",
        "X5, E14",
    )  # fmt: skip
    operations_emails: tuple[str, ...] = option(
        (), ADDRESSES, "Who is told of signed files that nobody approves, and of refused accounts; empty = nobody is.",
        "S18, E14", "mail addresses",
    )  # fmt: skip
    kyc_approved_topic: str = option(
        "onboarding.kyc.approved", TOPIC, "Topic told of an approval.", "S11, S17"
    )
    types: Mapping[str, ClientType] = option(
        CLIENT_TYPES, TYPES,
        "Types of clients; a block [onboarding.types.NAME] adds one, or takes the place of its namesake.",
        "S1",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measures(Section):
    """What is measured of onboarding, and from when on it is an alert; the aims are in [targets]."""

    window_days: int = integer(
        30, "days", (1, 366), "Shares and times are of the last of these.", "S26, S39"
    )
    baseline_days: int = integer(
        180,
        "days",
        (1, 1_100),
        "Scores of the window are held against these days before it.",
        "S26",
    )
    cases_min: int = integer(
        50, "decisions", (1, 100_000), "Of fewer nothing is said that could alarm.", "S26, ours"
    )
    share_tolerance_percent: int = integer(
        15,
        "percentage points",
        (1, 100),
        "A share that is further from its aim is an alert.",
        "S27, ours",
    )
    identity_check_cents: int = integer(
        0, "cents (USD)", COST, "One verification by the bureau.", "S39, E17"
    )
    address_check_cents: int = integer(
        0, "cents (USD)", COST, "One verification of an address.", "S39, E17"
    )
    credit_check_cents: int = integer(0, "cents (USD)", COST, "One credit score.", "S39, E17")
    media_check_cents: int = integer(0, "cents (USD)", COST, "One search of the media.", "S39, E17")


@dataclass(frozen=True, slots=True)
class Scoring(Section):
    """Trust score of a file, 0 to 100, high = good (X2); used by onboarding."""

    base: int = integer(25, "score points", SCORE, "Score before any factor.", "X1")
    documents_valid: int = integer(20, "score points", GAIN, "Documents read and valid.", "S24")
    address_verified: int = integer(15, "score points", GAIN, "Address verified.", "S24")
    no_pep_no_sanctions: int = integer(25, "score points", GAIN, "Neither found.", "S24")
    credit_high: int = integer(20, "score points", GAIN, "High credit score.", "S24")
    documents_expired: int = integer(-30, "score points", LOSS, "A document expired.", "S25, S20")
    data_inconsistent: int = integer(-40, "score points", LOSS, "Data disagree.", "S25, S20")
    pep_detected: int = integer(
        -50, "score points", LOSS, "A PEP; never rejected by points alone.", "S25, X3"
    )
    high_risk_country: int = integer(-25, "score points", LOSS, "High-risk country.", "S25")
    approve_from: int = integer(80, "score points", SCORE, "AUTO_APPROVE from here.", "S23")
    review_from: int = integer(
        50, "score points", SCORE, "MANUAL_REVIEW from here, REJECT below.", "S23"
    )
    low_risk_from: int = integer(80, "score points", SCORE, "riskLevel LOW from here.", "X2")
    medium_risk_from: int = integer(
        50, "score points", SCORE, "riskLevel MEDIUM from here, HIGH below.", "X2"
    )
    manual_countries: tuple[str, ...] = option(
        (), COUNTRIES, "Of clients who live or pay taxes there, a person approves.", "S40",
        "countries",
    )  # fmt: skip
    high_risk_countries: tuple[str, ...] = option(
        (), COUNTRIES, "Living, paying taxes or being a national there lowers the score.", "S25",
        "countries",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CoreBanking(Section):
    """The mainframe's queues and topics; used by account creation."""

    bus: str = option(
        "table", ChoiceKind(("table", "kafka")),
        "What carries the two topics: our own table, or the brokers of [kafka].", "S29, X30",
    )  # fmt: skip
    command_topic: str = option("core-banking-commands", TOPIC, "Topic of commands.", "S29")
    event_topic: str = option("core-banking-events", TOPIC, "Topic of events.", "S29")
    request_queue: str = option("ACCT.CREATE.QUEUE", QUEUE, "MQ queue of requests.", "S31")
    reply_queue: str = option("ACCT.RESPONSE.QUEUE", QUEUE, "MQ queue of replies.", "S31")
    reply_queue_shared: bool = flag(
        True,
        "Whether others are answered there too: AMQP then wants a broker with selectors (SELECTOR_IGNORED).",
        "X10",
    )
    change_queue: str = option(
        "ACCT.EVENTS.QUEUE", QUEUE, "MQ queue of what the mainframe changes by itself.", "S33"
    )
    reply_wait_s: float = number(
        30.0, "s", (0.001, 3_600.0), "Wait for a reply; a timeout is not a failure.", "S31, X9"
    )
    overdue_minutes: int = integer(
        10, "minutes", (1, 1_440), "An account not created by then is overdue.", "S32, X9"
    )
