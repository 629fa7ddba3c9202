"""What a start wants of outside parties: https beyond this machine, and credentials (S44, S54, S62)."""

import json

import pytest

from comptoir.actors.account.holding import LOOKS_MAX
from comptoir.actors.account.state import command_of
from comptoir.engine.settings import PlaidEnvironment, Settings, SettingsError
from comptoir.engine.settings.secret import Secret
from tests.engine.settings.test_rules import Values, broken

ACCOUNT = json.dumps(
    {
        "project_id": "p", "client_email": "a@p.example", "token_uri": "https://oauth2.example/token",
        "private_key": f"-----BEGIN {'PRIVATE'} KEY-----",
    }
)  # fmt: skip
CREDENTIALS: Values = {
    ("providers", "plaid", "client_secret"): Secret("s3cret"),
    ("providers", "powens", "client_secret"): Secret("s3cret"),
    ("providers", "tink", "client_secret"): Secret("s3cret"),
    ("providers", "fcm", "service_account"): Secret(ACCOUNT),
    ("providers", "sendgrid", "api_key"): Secret("SG.key"),
    ("providers", "brevo", "api_key"): Secret("xkeysib-key"),
    ("providers", "twilio", "account_sid"): "AC" + 32 * "0",
    ("providers", "twilio", "auth_token"): Secret("token"),
    ("providers", "vop", "token"): Secret("token"),
    ("providers", "vop", "agent_bic"): "PSSTFRPPXXX",
    ("providers", "kyc", "api_key"): Secret("key"),
    ("providers", "addresses_canada_post", "api_key"): Secret("key"),
    ("providers", "credit", "api_key"): Secret("key"),
    ("providers", "adverse_media", "api_key"): Secret("key"),
}


@pytest.mark.parametrize(
    "party",
    [
        "fcm",
        "powens",
        "plaid",
        "tink",
        "kyc",
        "brevo",
        "twilio",
        "vop",
        "addresses_ban",
        "addresses_canada_post",
        "credit",
        "adverse_media",
    ],
)
def test_outside_parties_are_called_under_tls(party: str) -> None:
    """S62: beyond this machine, where the sandbox plays them, no party is called in the clear."""
    path = ("providers", party, "base_url")
    assert broken({**CREDENTIALS, path: "http://party.example/v1"}) == [
        f"providers.{party}.base_url"
    ]
    Settings().having({**CREDENTIALS, path: "https://party.example/v1"})
    Settings().having({path: "http://127.0.0.1:8090"})


@pytest.mark.parametrize(
    "missing",
    [
        "plaid.client_secret",
        "powens.client_secret",
        "tink.client_secret",
        "fcm.service_account",
        "sendgrid.api_key",
        "brevo.api_key",
        "twilio.account_sid",
        "twilio.auth_token",
        "vop.token",
        "vop.agent_bic",
        "kyc.api_key",
        "addresses_canada_post.api_key",
        "credit.api_key",
        "adverse_media.api_key",
    ],
)
def test_outside_parties_are_told_who_we_are(missing: str) -> None:
    """S44: beyond this machine, where the sandbox takes anybody, a start without credentials is refused."""
    path = ("providers", *missing.split("."))
    party = ("providers", path[1], "base_url")
    given = {key: value for key, value in CREDENTIALS.items() if key != path}
    assert broken({**given, party: "https://party.example"}) == [f"providers.{missing}"]
    Settings().having({**given, party: "http://127.0.0.1:8090"})


@pytest.mark.parametrize(("party", "page"), [("powens", "webview_url"), ("tink", "link_url")])
def test_people_are_sent_to_a_page_under_tls(party: str, page: str) -> None:
    """S48, S62: where cards are linked there is a page for it, and nobody else can read in it."""
    path = ("providers", party, page)
    linked: Values = {("providers", party, "base_url"): "http://127.0.0.1:8090/2.0"}
    assert broken({**linked, path: ""}) == [f"providers.{party}.{page}"]
    assert broken({**linked, path: "http://webview.example"}) == [f"providers.{party}.{page}"]
    Settings().having({path: ""})
    for right in ("https://webview.example", "http://127.0.0.1:8090/webview"):
        Settings().having({**linked, path: right})


@pytest.mark.parametrize(
    ("environment", "wrong"),
    [
        (PlaidEnvironment("", "us", Secret("s")), ["base_url"]),
        (PlaidEnvironment("http://plaid.example", "us", Secret("s")), ["base_url"]),
        (PlaidEnvironment("https://plaid.example", "us"), ["client_secret"]),
        (PlaidEnvironment("http://plaid.example", "us"), ["base_url", "client_secret"]),
    ],
)
def test_environments_of_plaid(environment: PlaidEnvironment, wrong: list[str]) -> None:
    """S54, S62: whoever says which key is right is asked under TLS, with credentials."""
    right = PlaidEnvironment("https://production.plaid.com", "us", Secret("s"))
    here = PlaidEnvironment("http://127.0.0.1:8090", "us")
    path = ("webhooks", "plaid", "environments")
    Settings().having({path: (right, here)})
    found = broken({path: (right, environment)})
    assert found == [f"webhooks.plaid.environments[1].{key}" for key in wrong]


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "Europe"])
def test_a_zone_that_is_none(zone: str) -> None:
    """S44: quiet hours are reckoned in it, so a start with it is refused."""
    assert broken({("notifications", "time_zone"): zone}) == ["notifications.time_zone"]


@pytest.mark.parametrize(
    "text", ["{}", "key", '{"project_id": "p"}', ACCOUNT.replace("https", "ftp")]
)
def test_an_account_that_is_none(text: str) -> None:
    """S44: a file that is no service account's is refused, and not shown."""
    with pytest.raises(SettingsError) as found:
        Settings().having({("providers", "fcm", "service_account"): Secret(text)})
    (problem,) = found.value.problems
    assert problem.place == "Fcm.service_account"
    assert "BEGIN" not in problem.line()


@pytest.mark.parametrize("address", ["amqp://127.0.0.1:5672", "http://127.0.0.1:8090"])
def test_a_command_has_room_in_the_correlation_of_its_reply(address: str) -> None:
    """X10: MQ's CorrelId has 24 bytes; a prefix whose numbers could not be told apart there is refused at the start."""
    place, prefix = ("providers", "mainframe", "base_url"), ("onboarding", "number_prefix")
    assert broken({place: address, prefix: "ABCDEF"}) == ["onboarding.number_prefix"]
    Settings().having({place: address, prefix: "ABCDE"})
    Settings().having({prefix: "ABCDEFGH"})
    longest = command_of("ABCDE-2026-1234567", 9, LOOKS_MAX)
    assert len(longest.encode()) == 24
