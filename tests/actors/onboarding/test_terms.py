"""What a file may expect, as the settings have it."""

import pytest

from comptoir.actors.onboarding.terms import OnboardingTerms
from comptoir.engine.settings import Settings


@pytest.mark.parametrize(
    ("mainframe", "bus", "accounts"),
    [("", "table", False), ("amqp://127.0.0.1:5672", "table", True), ("", "kafka", True), ("amqp://127.0.0.1:5672", "kafka", True)],
)  # fmt: skip
def test_an_account_is_opened_wherever_somebody_carries_out_the_command(
    mainframe: str, bus: str, *, accounts: bool
) -> None:
    """Our own adapter, or somebody else's that reads Kafka's topic (S29, S32, X30)."""
    settings = Settings().having({
        ("providers", "mainframe", "base_url"): mainframe, ("core_banking", "bus"): bus,
        ("kafka", "bootstrap_servers"): "127.0.0.1:9092",
    })  # fmt: skip
    assert OnboardingTerms.of(settings).accounts is accounts
