"""Settings of batches of payouts: who pays is whole before anybody is paid.

Source: spec.md X27; interface.md 3; docs/payouts.md.
"""

import pytest

from comptoir.engine.settings import Settings, SettingsError

IBAN = "FR1420041010050500013M02606"
RIGHT: dict[tuple[str, ...], object] = {
    ("withdrawals", "payout"): "pain001",
    ("payouts", "debtor_name"): "REWAPP SAS",
    ("payouts", "debtor_iban"): IBAN,
}


def test_a_debtor_is_enough() -> None:
    """X27: cut-off, zone and bounds have defaults, and a bank is known by its account."""
    payouts = Settings().having(RIGHT).payouts
    assert (payouts.cut_offs, payouts.time_zone, payouts.transfers_max) == (
        ("14:00",), "Europe/Paris", 10_000,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [
        ("debtor_name", "", "payouts.debtor_name is empty"),
        ("debtor_iban", "", "payouts.debtor_iban is empty"),
        (
            "debtor_iban",
            "FR1520041010050500013M02606",
            "payouts.debtor_iban has wrong check digits",
        ),
        ("debtor_iban", "FR14 2004", "debtor_iban"),
        ("debtor_name", "Sociét\u00e9", "debtor_name"),
        ("debtor_bic", "PSST", "debtor_bic"),
        ("time_zone", "Europe/Nowhere", "payouts.time_zone is not in the zone database"),
        ("time_zone", "Europe", "payouts.time_zone is not in the zone database"),
        ("cut_offs", (), "cut_offs"),
        ("cut_offs", ("24:00",), "cut_offs"),
        ("transfers_max", 0, "transfers_max"),
    ],
)
def test_what_a_bank_would_refuse_is_refused_at_the_start(
    field: str, value: object, place: str
) -> None:
    """X27, interface.md 3: by name, and no account number is repeated."""
    with pytest.raises(SettingsError) as refused:
        Settings().having({**RIGHT, ("payouts", field): value})
    assert place in str(refused.value)
    assert "20041010050500013" not in str(refused.value)


def test_without_batches_nobody_has_to_be_said() -> None:
    """X27: a daemon that pays by the provider starts as before."""
    assert Settings().payouts.debtor_iban == ""
