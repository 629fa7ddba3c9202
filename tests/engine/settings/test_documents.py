"""What the settings of documents must be: S3 under TLS, with a region and whole credentials (S12, S20, S62)."""

import pytest

from comptoir.engine.settings import Settings, SettingsError
from comptoir.engine.settings.secret import Secret
from tests.engine.settings.test_rules import Values, broken

STORE: Values = {("documents", "store"): "s3", ("documents", "s3", "region"): "eu-west-3"}
WHO = ("documents", "s3", "access_key_id")
PROOF = ("documents", "s3", "secret_access_key")


def test_s3_is_reached_under_tls() -> None:
    """S62: documents of clients leave this machine encrypted; on it a server of tests is reached in the clear."""
    place = ("documents", "s3", "endpoint_url")
    assert broken({**STORE, place: "http://s3.example"}) == ["documents.s3.endpoint_url"]
    for right in ("https://s3.example", "http://127.0.0.1:8333", ""):
        Settings().having({**STORE, place: right})


def test_s3_needs_a_region() -> None:
    """S12: it is part of what is signed."""
    assert broken({("documents", "store"): "s3"}) == ["documents.s3.region"]
    Settings().having(STORE)


@pytest.mark.parametrize(
    ("given", "missing"),
    [({WHO: "AKID"}, "secret_access_key"), ({PROOF: Secret("s3cret")}, "access_key_id")],
)
def test_credentials_come_in_pairs(given: Values, missing: str) -> None:
    """S12: both, or neither, and then AWS's own chain."""
    assert broken({**STORE, **given}) == [f"documents.s3.{missing}"]
    Settings().having({**STORE, WHO: "AKID", PROOF: Secret("s3cret")})


@pytest.mark.parametrize("name", ["Onboarding", "on", "a_b", "-ab", "ab-"])
def test_a_bucket_has_a_buckets_name(name: str) -> None:
    """S12: what S3 would not take is not taken here."""
    with pytest.raises(SettingsError):
        Settings().having({("documents", "bucket"): name})
