"""Settings of outside parties: where each is, who we are there, and what bounds calls to it.

Rule: a party whose address is empty is not called, and what needs it refuses by name.
Source: Part B of the specification (S42, S44, S48, S60); interface.md 3.
"""

# ruff: noqa: RUF009 - rows are dataclasses.field calls by another name

from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from comptoir.engine.settings.cashback import CREDENTIAL
from comptoir.engine.settings.fields import Section, integer, number, option, section
from comptoir.engine.settings.kinds import ChoiceKind, TextKind
from comptoir.engine.settings.kinds_made import ListKind, SecretKind, UrlKind
from comptoir.engine.settings.runtime import MAIL_ADDRESS
from comptoir.engine.settings.secret import Secret

__all__ = [
    "OF_THE_SANDBOX",
    "AddressProvider",
    "BankProvider",
    "Brevo",
    "CanadaPost",
    "CreditProvider",
    "DocusignProvider",
    "Fcm",
    "KeyedProvider",
    "MainframeProvider",
    "PlaidProvider",
    "PowensProvider",
    "Provider",
    "Providers",
    "SendGrid",
    "TinkProvider",
    "Twilio",
    "VopProvider",
]


@dataclass(frozen=True, slots=True)
class Provider(Section):
    """One outside party."""

    base_url: str = option(
        "", UrlKind(), "Address; empty = what needs it refuses by name; the demo sets the "
        "sandbox's.", "S42, S44",
    )  # fmt: skip
    timeout_s: float = number(10.0, "s", (0.001, 600.0), "Deadline of one call.", "ours")
    calls_in_flight_max: int = integer(16, "calls", (1, 10_000), "Calls at once.", "S18, ours")


@dataclass(frozen=True, slots=True)
class BankProvider(Provider):
    """A provider of bank data."""

    client_id: str = option(
        "comptoir", TextKind("1 to 128 printable characters", r"[!-~]{1,128}"),
        "Who we are there.", "S48",
    )  # fmt: skip
    client_secret: Secret = option(
        Secret(""), SecretKind("a text, or an empty one", lambda _text: True),
        "What proves it.", "S48", "secret",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PowensProvider(BankProvider):
    """Powens on our domain; `base_url` is `https://DOMAIN.biapi.pro/2.0`."""

    webview_url: str = option(
        "https://webview.powens.com", UrlKind(),
        "Where people are sent, without the language; the demo sets the sandbox's.", "S48",
    )  # fmt: skip
    language: str = option(
        "fr", ChoiceKind(("de", "en", "es", "fr", "it", "nl", "pt")),
        "Language of the webview.", "ours", "ISO 639-1",
    )  # fmt: skip
    token_days: int = integer(
        90, "days", (0, 3_650),
        "Age at which an access token is replaced: Powens's have no end; 0 = never.", "S45, ours",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlaidProvider(BankProvider):
    """Plaid in one environment; `base_url` is that environment's."""

    client_name: str = option(
        "comptoir", TextKind("1 to 30 printable characters", r"[ -~À-ɏ]{1,30}"),
        "Who people are told that they let read.", "S57",
    )  # fmt: skip
    language: str = option(
        "fr", TextKind("a language that Link speaks, such as fr", r"[a-z]{2}"),
        "Language of Link.", "ours", "ISO 639-1",
    )  # fmt: skip
    country_codes: tuple[str, ...] = option(
        ("FR",), ListKind(TextKind("a country such as FR", r"[A-Z]{2}"), 1, 20),
        "Countries whose banks are shown.", "ours", "ISO 3166-1",
    )  # fmt: skip
    history_days: int = integer(
        1, "days", (1, 730), "Purchases before the link that are read.", "S60, ours"
    )


@dataclass(frozen=True, slots=True)
class TinkProvider(BankProvider):
    """Tink; `base_url` is `https://api.tink.com`."""

    link_url: str = option(
        "https://link.tink.com", UrlKind(),
        "Where people are sent: Tink Link.", "S48",
    )  # fmt: skip
    market: str = option(
        "FR", TextKind("a country such as FR", r"[A-Z]{2}"),
        "Country whose banks are shown.", "ours", "ISO 3166-1",
    )  # fmt: skip
    locale: str = option(
        "fr_FR", TextKind("a locale such as fr_FR", r"[a-z]{2}_[A-Z]{2}"),
        "Language of Tink Link.", "ours",
    )  # fmt: skip
    id_hint: str = option(
        "comptoir", TextKind("1 to 64 printable characters", r"[ -~À-ÿ]{1,64}"),
        "Whose account it is, as people read it in Tink Link: the programme's name, since of "
        "a person we tell nothing.", "S60",
    )  # fmt: skip


class _Account(msgspec.Struct, frozen=True):
    """What of a service account's file is needed; the key itself is read where it is used."""

    project_id: Annotated[str, msgspec.Meta(min_length=1)]
    client_email: Annotated[str, msgspec.Meta(min_length=1)]
    private_key: Annotated[str, msgspec.Meta(pattern="^-----BEGIN [A-Z ]*KEY-----")]
    token_uri: Annotated[str, msgspec.Meta(pattern="^https?://")]


def _is_account(text: str) -> bool:
    """Say whether it is such a file, or nothing."""
    try:
        msgspec.json.decode(text or b"null", type=_Account | None)
    except msgspec.DecodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Fcm(Provider):
    """Firebase Cloud Messaging, which reaches devices; `base_url` is `https://fcm.googleapis.com`."""

    service_account: Secret = option(
        Secret(""),
        SecretKind("the JSON of a service account's key (RS256), or an empty text", _is_account),
        "Who we are there, as Google's console gives it; needed beyond this machine.", "S44",
    )  # fmt: skip
    ttl_hours: int = integer(
        72, "hours", (1, 672),
        "For so long a device that is off may be told afterwards (at most four weeks).", "S44, ours",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SendGrid(Provider):
    """SendGrid, which carries our mail."""

    api_key: Secret = option(
        Secret(""), CREDENTIAL, "API key that may send mail; needed beyond this machine.", "S44"
    )
    from_address: str = option(
        "comptoir@localhost",
        TextKind("a mail address", MAIL_ADDRESS),
        "Address that mail comes from, one that SendGrid has verified.", "S44",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Brevo(Provider):
    """Brevo, which carries our mail where SendGrid does not; `base_url` is `https://api.brevo.com`."""

    api_key: Secret = option(
        Secret(""), CREDENTIAL, "API key that may send mail; needed beyond this machine.", "S44"
    )
    from_address: str = option(
        "comptoir@localhost",
        TextKind("a mail address", MAIL_ADDRESS),
        "Address that mail comes from, one that Brevo has verified.", "S44",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Twilio(Provider):
    """Twilio, which carries our text messages."""

    account_sid: str = option(
        "", TextKind("an account SID, or an empty text", r"(?:AC[0-9a-f]{32})?"),
        "SID of the account; needed beyond this machine.", "S44",
    )  # fmt: skip
    auth_token: Secret = option(
        Secret(""), CREDENTIAL, "Token of the account; needed beyond this machine.", "S44"
    )
    from_number: str = option(
        "+15005550006",
        TextKind("a number in E.164, or 1 to 11 of [A-Za-z0-9 ]",
                 r"\+[1-9][0-9]{6,14}|[A-Za-z0-9 ]{1,11}"),
        "Number or sender's name of ours; the default is Twilio's for tests.", "S44",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class VopProvider(Provider):
    """Verification of payee; `base_url` ends before `/v1/payee-verifications`. Empty: nobody is asked, and
    every check is `unavailable`.
    """

    token: Secret = option(
        Secret(""), CREDENTIAL, "Bearer token of the gateway; needed beyond this machine.", "E18"
    )
    agent_bic: str = option(
        "", TextKind("a BIC, or an empty text", r"(?:[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?)?"),
        "BIC of the institution that asks for us; needed beyond this machine.", "E18", "ISO 9362",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class KeyedProvider(Provider):
    """One who knows about people, and lets in whoever has a key."""

    api_key: Secret = option(
        Secret(""), CREDENTIAL, "Key that we show there; needed beyond this machine.", "S21"
    )


@dataclass(frozen=True, slots=True)
class AddressProvider(Provider):
    """Addresses of France, by the Base Adresse Nationale; `base_url` is `https://data.geopf.fr/geocodage`."""

    likeness_min: int = integer(
        85, "of 100", (1, 100),
        "How like the one that is known a declared address must be to be verified.", "S24, ours",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CanadaPost(AddressProvider):
    """Addresses of Canada, by AddressComplete; `base_url` is `https://ws1.postescanada-canadapost.ca`."""

    api_key: Secret = option(
        Secret(""), CREDENTIAL, "Key of the installation; needed beyond this machine.", "S21"
    )


@dataclass(frozen=True, slots=True)
class CreditProvider(KeyedProvider):
    """Whoever scores credit, from 300 to 900."""

    high_from: int = integer(
        725, "of 900", (300, 900), "A score from here on is high.", "S24, ours"
    )


def _is_key(text: str) -> bool:
    """Say whether it looks like a private key in PEM, or is nothing; the key itself is read where it is used."""
    return not text or text.startswith("-----BEGIN ")


GUID = TextKind("a GUID", r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
OF_THE_SANDBOX = "00000000-0000-4000-8000-00000000c0de"
"""Every id of ours at the DocuSign that the sandbox plays; beyond this machine a start with it is refused."""


@dataclass(frozen=True, slots=True)
class DocusignProvider(Provider):
    """DocuSign; `base_url` is its account server's: `https://account.docusign.com`, or `https://account-d.docusign.com`
    for a developer's account. Where envelopes are, DocuSign tells.
    """

    integration_key: str = option(
        OF_THE_SANDBOX, GUID, "Key of our app (its client id); needed beyond this machine.", "S28"
    )
    user_id: str = option(
        OF_THE_SANDBOX, GUID, "API user name of whom we act for; needed beyond this machine.", "S28"
    )
    account_id: str = option(
        OF_THE_SANDBOX, GUID,
        "API account id, whose envelopes are ours; webhooks of any other are ignored.", "S28",
    )  # fmt: skip
    private_key: Secret = option(
        Secret(""), SecretKind("an RSA key in PEM, or an empty text", _is_key),
        "Key of our app's pair, by which we ask for tokens; needed beyond this machine.", "S28",
    )  # fmt: skip
    signing: str = option(
        "email", ChoiceKind(("email", "embedded", "either")),
        "Where people sign: by DocuSign's mail (email), from our own page (embedded), either way (either).",
        "S28, issue 9",
    )  # fmt: skip
    notify_url: str = option(
        "", UrlKind(),
        "Address of /webhooks/docusign as DocuSign reaches it, to be told of each envelope; empty = the account "
        "has a Connect configuration.", "S28, ours",
    )  # fmt: skip


CODE_PAGES: Final = (
    "cp037", "cp273", "cp277", "cp278", "cp280", "cp284", "cp285", "cp297", "cp500", "cp870", "cp871", "cp875",
    "cp1025", "cp1026", "cp1047", "cp1112", "cp1122", "cp1123", "cp1140", "cp1141", "cp1142", "cp1143", "cp1144",
    "cp1145", "cp1146", "cp1147", "cp1148", "cp1149",
)  # fmt: skip
"""Those of EBCDIC that the codec has (actors/gateways/copybook/pages.py): a wrong one stops the start, and no client."""


@dataclass(frozen=True, slots=True)
class MainframeProvider(Provider):
    """The mainframe's queues: `amqp(s)://host:port` for MQ by AMQP 1.0, `http(s)://` for a bridge that carries the same bytes."""

    base_url: str = option(
        "", UrlKind(("amqp", "amqps", "http", "https")),
        "Address; empty = no account is opened, by name; the demo sets the sandbox's.", "S31, S32",
    )  # fmt: skip
    username: str = option(
        "", TextKind("at most 128 printable characters", r"[!-~]{0,128}"),
        "Who we are there (SASL PLAIN); empty: nobody (ANONYMOUS).", "S31",
    )  # fmt: skip
    password: Secret = option(
        Secret(""), CREDENTIAL, "What proves it; needed beyond this machine.", "S31", "secret"
    )
    code_page: str = option(
        "cp500", ChoiceKind(CODE_PAGES), "Of the mainframe's records.", "S30",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Providers(Section):
    """Outside parties, each behind its gateway (S21, S28, S31, S42, S44, S68)."""

    seed: BankProvider = section(BankProvider)
    powens: PowensProvider = section(PowensProvider)
    plaid: PlaidProvider = section(PlaidProvider)
    tink: TinkProvider = section(TinkProvider)
    kyc: KeyedProvider = section(KeyedProvider)
    addresses_ban: AddressProvider = section(AddressProvider)
    addresses_canada_post: CanadaPost = section(CanadaPost)
    credit: CreditProvider = section(CreditProvider)
    adverse_media: KeyedProvider = section(KeyedProvider)
    docusign: DocusignProvider = section(lambda: DocusignProvider(timeout_s=30.0))
    fcm: Fcm = section(Fcm)
    sendgrid: SendGrid = section(SendGrid)
    brevo: Brevo = section(Brevo)
    twilio: Twilio = section(Twilio)
    vop: VopProvider = section(lambda: VopProvider(timeout_s=3.0))
    slack: Provider = section(Provider)
    pagerduty: Provider = section(Provider)
    tsa: Provider = section(Provider)
    mainframe: MainframeProvider = section(lambda: MainframeProvider(timeout_s=30.0))
