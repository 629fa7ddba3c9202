"""Settings of upkeep: retention, alerts, targets.

Rule: a time that the law or a source fixes is its default, the longer one where two disagree.
Source: S27, S36, S39, S43, S49, S50, S60, S62, S67 to S71, X13.
"""

from dataclasses import dataclass

from comptoir.engine.settings.fields import Section, integer, option
from comptoir.engine.settings.kinds import TextKind

__all__ = ["Alerts", "Retention", "Targets"]

PERCENT = (0, 100)
COUNT = (0, 1_000_000)
MS = (1, 3_600_000)
BP = (0, 10_000)
TOLD_HOURS = (1, 720)
TOLD_DAYS = (1, 30)
"""Of a time of onboarding: what takes longer is not told apart (actors/onboarding_day)."""


@dataclass(frozen=True, slots=True)
class Retention(Section):
    """How long each class of record is kept; used by retention."""

    transaction_years: int = integer(3, "years", (1, 30), "Partner transactions.", "S60")
    onboarding_audit_years: int = integer(
        7,
        "years",
        (1, 30),
        "A file whose client was assessed, after it or the relation has ended.",
        "S36, X13",
    )
    banking_audit_days: int = integer(
        90, "days", (1, 3_650), "Audit trail of banking access.", "S62, S69, X13"
    )
    access_days: int = integer(
        90, "days", (1, 3_650), "Sessions, codes and families of tokens after they have ended, with the "
        "keys of what they sealed.", "S60, S62",
    )  # fmt: skip
    approval_days: int = integer(
        2_557, "days", (1, 10_950), "Proposals after they were decided (seven years).", "S36, X13"
    )
    log_days: int = integer(30, "days", (1, 3_650), "Logs of the daemon.", "S69")
    trace_days: int = integer(30, "days", (1, 3_650), "Traces.", "S69")
    metric_months: int = integer(15, "months", (1, 120), "Metrics.", "S69")


@dataclass(frozen=True, slots=True)
class Alerts(Section):
    """Thresholds and routes of alerts; used by alerts."""

    webhooks_per_minute_warning: int = integer(
        10, "webhooks/min", COUNT, "Warning below it.", "S67"
    )
    webhooks_warning_minutes: int = integer(
        5, "minutes", (1, 1_440), "Time below before the warning.", "S67"
    )
    webhooks_per_minute_critical: int = integer(
        1, "webhooks/min", COUNT, "Critical below it.", "S67"
    )
    webhooks_critical_minutes: int = integer(
        10, "minutes", (1, 1_440), "Time below before it is critical.", "S67"
    )
    handler_latency_warning_ms: int = integer(200, "ms", MS, "Warning above it.", "S67")
    handler_latency_critical_ms: int = integer(500, "ms", MS, "Critical above it.", "S67")
    match_rate_warning_percent: int = integer(
        70, "%", PERCENT, "Matched over candidates: warning below it.", "S67, X22"
    )
    match_rate_critical_percent: int = integer(
        50, "%", PERCENT, "Matched over candidates: critical below it.", "S67, X22"
    )
    dead_letters_warning: int = integer(10, "messages", COUNT, "Warning above it.", "S67")
    dead_letters_critical: int = integer(100, "messages", COUNT, "Critical above it.", "S67, S68")
    banking_errors_warning_percent: int = integer(2, "%", PERCENT, "Warning above it.", "S67")
    banking_errors_critical_percent: int = integer(5, "%", PERCENT, "Critical above it.", "S67")
    expired_tokens_warning: int = integer(10, "tokens", COUNT, "Warning above it.", "S67")
    expired_tokens_critical: int = integer(100, "tokens", COUNT, "Critical above it.", "S67")
    failed_withdrawals_warning_percent: int = integer(2, "%", PERCENT, "Warning above it.", "S67")
    failed_withdrawals_critical_percent: int = integer(5, "%", PERCENT, "Critical above it.", "S67")
    unavailable_minutes: int = integer(
        2, "minutes", (1, 1_440), "Time away before the on-call is paged.", "S68"
    )
    critical_channel: str = option("#alerts-critical", TextKind(), "Slack channel.", "S68")
    warning_channel: str = option("#alerts-warning", TextKind(), "Slack channel.", "S68")


@dataclass(frozen=True, slots=True)
class Targets(Section):
    """What the sources promise, to be measured against; used by alerts and dashboards."""

    webhook_ms: int = integer(1_000, "ms", MS, "Provider to us.", "S49, S50")
    queue_ms: int = integer(50, "ms", MS, "Putting a job in a queue.", "S49")
    consume_ms: int = integer(100, "ms", MS, "Taking a job from a queue.", "S49")
    match_ms: int = integer(50, "ms", MS, "Matching a partner.", "S49")
    tier_ms: int = integer(50, "ms", MS, "Reading a tier.", "S49")
    insert_ms: int = integer(100, "ms", MS, "Writing a transaction or a withdrawal.", "S49, S50")
    credit_job_ms: int = integer(100, "ms", MS, "Handing over to points.", "S49")
    credit_ms: int = integer(100, "ms", MS, "Crediting.", "S49")
    notification_job_ms: int = integer(100, "ms", MS, "Handing over to notification.", "S49")
    push_ms: int = integer(500, "ms", MS, "Push to the device.", "S49, S50")
    balance_check_ms: int = integer(100, "ms", MS, "Checking a balance.", "S50")
    block_points_ms: int = integer(100, "ms", MS, "Blocking points.", "S50")
    payment_initiation_ms: int = integer(1_000, "ms", MS, "Initiating a payment.", "S50")
    hop_ms: int = integer(100, "ms", MS, "One service to another, at most.", "S38")
    gateway_availability_bp: int = integer(
        9_999, "bp", BP, "Edge and webhook handler up: 99.99 %.", "S43"
    )
    service_availability_bp: int = integer(
        9_990, "bp", BP, "Banking, transactions, points, merchants up: 99.9 %.", "S43"
    )
    notification_availability_bp: int = integer(9_950, "bp", BP, "Notification up: 99.5 %.", "S43")
    database_availability_bp: int = integer(9_995, "bp", BP, "PostgreSQL up: 99.95 %.", "S43")
    daemon_recovery_minutes: int = integer(
        1, "minutes", (1, 60), "Daemon back after a failure.", "S71"
    )
    database_recovery_minutes: int = integer(
        5, "minutes", (1, 60), "PostgreSQL back after a failure.", "S71"
    )
    auto_approved_percent: int = integer(70, "%", PERCENT, "Files approved alone.", "S27")
    auto_approved_hours: int = integer(
        24, "hours", TOLD_HOURS, "Time of such a file, from its beginning.", "S27"
    )
    manual_review_percent: int = integer(20, "%", PERCENT, "Files reviewed.", "S27")
    manual_review_days: int = integer(
        3, "days", TOLD_DAYS, "Time of such a file, from its beginning.", "S27"
    )
    rejected_percent: int = integer(10, "%", PERCENT, "Files rejected alone.", "S27")
    false_positive_percent: int = integer(2, "%", PERCENT, "Wrongly stopped, at most.", "S27")
    reversed_percent: int = integer(
        10, "%", PERCENT, "Recommendations that people reverse, at most.", "S26, ours"
    )
    onboarding_days: int = integer(5, "days", TOLD_DAYS, "Whole onboarding, at most.", "S39")
    client_stage_hours: int = integer(
        48, "hours", TOLD_HOURS, "A stage that waits for the client.", "S39, E17"
    )
    compliance_stage_hours: int = integer(
        72, "hours", TOLD_HOURS, "A stage that waits for compliance.", "S27, E17"
    )
    provider_stage_hours: int = integer(
        1, "hours", TOLD_HOURS, "A stage that waits for a party that is asked.", "S27, E17"
    )
    advisor_stage_hours: int = integer(
        24, "hours", TOLD_HOURS, "A stage that waits for the advisor.", "S39, E17"
    )
    mainframe_stage_hours: int = integer(
        1, "hours", TOLD_HOURS, "A stage that waits for the mainframe.", "S32, E17"
    )
    abandoned_percent: int = integer(18, "%", PERCENT, "Files abandoned, at most.", "S39")
    entry_error_percent: int = integer(5, "%", PERCENT, "Entry errors, at most.", "S39")
    file_cost_cents: int = integer(
        12_000, "cents (USD)", (0, 10**9), "Cost of one file, at most.", "S39"
    )
