"""Rules that tie settings to one another, and those that a start must meet.

Rule: what would open the daemon to the outside without protection is refused, not warned about.
Source: interface.md 2 (exit 5), interface.md 3; S53, S54, S62.
"""

import base64
import ipaddress
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from iso4217 import Currency

from comptoir.engine.settings.cashback import Points, Webhooks
from comptoir.engine.settings.listeners import Http, Ingest
from comptoir.engine.settings.onboarding import Scoring
from comptoir.engine.settings.problems import EXIT_SECRET, Problem
from comptoir.engine.settings.runtime import Auth, Clock, Storage
from comptoir.engine.settings.secret import Secret
from comptoir.engine.settings.vault import Vault

__all__ = [
    "DEMO_WEBHOOK_SECRET",
    "bind_problems",
    "is_loopback",
    "issuer_problems",
    "page_problems",
    "points_problems",
    "problem",
    "scoring_problems",
    "secret_problems",
    "storage_problems",
    "tls_problems",
    "vault_problems",
]

DEMO_WEBHOOK_SECRET = "comptoir-demo-webhook-secret"  # noqa: S105 - public by intent, refused outside the demo
"""What the demo signs with. It is in every copy of the source, hence known."""

SECRET_BYTES_MIN = 16
"""Least length of a webhook secret: 128 bits (ours; HMAC of S54)."""
DISTINCT_MIN = 6
"""Least number of different characters: 16 random hex digits have fewer once in 10,000 (ours)."""
UNIT_MAX = 10
"""A secret that repeats a unit of up to this many characters is a word, not a secret (ours)."""
KNOWN_SECRETS = frozenset({
    "secret", "changeme", "password", "webhook", "webhooksecret", "mywebhooksecret", "default",
    "changemechangeme", "secretsecret", "supersecret", "topsecret", "mysecret", "verysecret",
    "supersecretkey", "yoursecrethere", "yourwebhooksecret", "replaceme", "pleasechangeme",
    "insertsecrethere", "testsecret", "testwebhooksecret", "donotuseinproduction", "example",
    "examplesecret", "0123456789abcdef", "0123456789abcdef0123456789abcdef", "1234567890123456",
    "123456789012345678901234567890", "abcdefghijklmnop", "abcdefghijklmnopqrstuvwxyz",
    "comptoir", "comptoirsecret", "comptoirwebhooksecret", "qwertyuiopasdfgh",
})  # fmt: skip
"""Words that people leave in place, letters and digits only, lower case."""
VERIFY_FULL = "verify-full"
CENTS_DIGITS = 2
"""Digits after the point of a currency with cents; all amounts are integer cents (design.md 7)."""


def problem(place: str, text: str, remedy: str) -> Problem:
    """Phrase a rule that is broken."""
    return Problem("CONFIG_RULE_BROKEN", place, f"{place} {text}", remedy)


def is_loopback(host: str) -> bool:
    """Say whether listening on `host` stays inside this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bind_problems(http: Http, ingest: Ingest, auth: Auth, clock: Clock) -> Iterator[Problem]:
    """Hold what may only run on loopback to loopback (interface.md 3 and 9)."""
    hosts = {"http.host": http.host}
    if ingest.enabled:
        hosts["ingest.host"] = ingest.host
    certificates = {"http.host": http.tls_certificate, "ingest.host": ingest.tls_certificate}
    outside = {key: host for key, host in hosts.items() if not is_loopback(host)}
    for key, host in outside.items():
        section = key.partition(".")[0]
        if auth.mode == "on" and not certificates[key] and not http.trusted_proxies:
            yield problem(
                key, f"is {host}, but what passes there can be read and changed on its way",
                f"set {section}.tls_certificate and {section}.tls_key, or name in "
                "http.trusted_proxies the gateway that speaks TLS for it",
            )  # fmt: skip
        if auth.mode == "loopback":
            yield problem(
                key, f"is {host}, but auth.mode loopback has no tokens",
                "set 127.0.0.1; what others must reach goes behind a gateway of your own",
            )  # fmt: skip
        if clock.mode == "manual":
            yield problem(
                key, f"is {host}, but anyone who reaches it could move a manual clock",
                "set 127.0.0.1, or clock.mode to wall",
            )  # fmt: skip
        if auth.mode == "on" and auth.dev_tokens:
            yield problem(
                key, f"is {host}, but auth.dev_tokens is for loopback",
                "set auth.dev_tokens to false",
            )  # fmt: skip


def issuer_problems(auth: Auth) -> Iterator[Problem]:
    """Want https of whoever vouches for callers, but for this machine (S62), and two names for two."""
    issuers = {"auth.issuer": auth.issuer, "auth.external.issuer": auth.external.issuer}
    for key, issuer in issuers.items():
        parts = urlsplit(issuer)
        if issuer and parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            yield problem(key, "is beyond loopback and not https", "give its https address")
    if auth.external.issuer and auth.external.issuer == auth.issuer:
        yield problem(
            "auth.external.issuer", "is auth.issuer, our own", "give that of the provider"
        )


def tls_problems(http: Http, ingest: Ingest) -> Iterator[Problem]:
    """Want a certificate with its key, or neither: half of them would leave a listener in the clear."""
    listeners: dict[str, Http | Ingest] = {"http": http, "ingest": ingest}
    for section, named in listeners.items():
        certificate, key = f"{section}.tls_certificate", f"{section}.tls_key"
        if bool(named.tls_certificate) != bool(named.tls_key):
            missing, given = (certificate, key) if named.tls_key else (key, certificate)
            yield problem(missing, f"is empty, but {given} is not", "set both, or neither")
        if named.tls_client_ca and not named.tls_certificate:
            yield problem(
                certificate, f"is empty, but {section}.tls_client_ca is not",
                "set the certificate too: callers show theirs under TLS only",
            )  # fmt: skip


def page_problems(http: Http) -> Iterator[Problem]:
    """Hold the default page within the largest."""
    if http.page_items_default > http.page_items_max:
        yield problem(
            "http.page_items_default", f"is over http.page_items_max, {http.page_items_max}",
            "make it smaller",
        )  # fmt: skip


def storage_problems(storage: Storage) -> Iterator[Problem]:
    """Want TLS with a verified name beyond this machine (S62); the address is never repeated."""
    text = storage.url.reveal()
    if not text:
        return
    place, parts = "storage.url", urlsplit(text)
    hosts, query = _hosts(parts), parse_qs(parts.query, keep_blank_values=True)
    if not hosts:
        yield problem(place, "names no host", "give a host, or ?host= with a socket's folder")
        return
    if any(_is_far(host) for host in hosts) and query.get("sslmode") != [VERIFY_FULL]:
        yield problem(
            place, "is beyond loopback and does not verify the server",
            "add sslmode=verify-full, once",
        )  # fmt: skip


def _hosts(parts: SplitResult) -> list[str]:
    """Every host that an address of PostgreSQL names."""
    query = parse_qs(parts.query, keep_blank_values=True)
    named = parts.netloc.rpartition("@")[2].split(",")
    named += [
        host for name in ("host", "hostaddr") for host in ",".join(query.get(name, ())).split(",")
    ]
    return [host for host in (unquote(_without_port(entry)) for entry in named) if host]


def _is_far(host: str) -> bool:
    """Say whether a host is beyond this machine; a path is a socket's folder."""
    return not host.startswith("/") and not is_loopback(host)


def vault_problems(vault: Vault, storage: Storage) -> Iterator[Problem]:
    """Want what the chosen holder of the key-encryption key needs, and a store for what it wraps."""
    if vault.provider == "aws-kms" and not vault.aws_kms.key_id:
        yield problem("vault.aws_kms.key_id", "is empty", "name the key that wraps")
    if vault.provider == "transit" and not (vault.transit.url and vault.transit.token):
        place = "vault.transit.token" if vault.transit.url else "vault.transit.url"
        yield problem(place, "is empty", "give the address of Vault and a token")
    asked = {
        "vault.transit.url": vault.transit.url,
        "vault.aws_kms.endpoint_url": vault.aws_kms.endpoint_url,
    }
    for place, url in asked.items():
        parts = urlsplit(url)
        if url and parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            yield problem(place, "is beyond loopback and not https", "give its https address")
    if vault.provider != "local" and storage.url and not vault.store:
        remedy = "give a file that every daemon of this database reaches"
        yield problem("vault.store", "is empty, so there is nothing to wrap", remedy)


def _without_port(entry: str) -> str:
    """Take `host`, `host:port`, `[v6]:port` or a bare v6 address to its host."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry if entry.count(":") > 1 else entry.partition(":")[0]


def points_problems(points: Points) -> Iterator[Problem]:
    """Want a real currency with cents and tiers in rising order, from 0."""
    currency = next((entry for entry in Currency if entry.code == points.currency), None)
    if currency is None:
        yield problem("points.currency", f"is {points.currency}", "give an ISO 4217 code")
    elif currency.exponent != CENTS_DIGITS:
        yield problem(
            "points.currency", f"is {points.currency}, which has no cents", "give one with cents"
        )
    thresholds = [tier.threshold_points for tier in points.tiers]
    if thresholds != sorted(set(thresholds)) or thresholds[0] != 0:
        yield problem("points.tiers", "do not rise from 0", "order them by threshold_points")
    if len({tier.id for tier in points.tiers}) != len(points.tiers):
        yield problem("points.tiers", "have an id twice", "give each its own id")


def scoring_problems(scoring: Scoring) -> Iterator[Problem]:
    """Want bands that do not cross (S23, X2)."""
    if scoring.review_from > scoring.approve_from:
        yield problem("scoring.review_from", "is over approve_from", "make it smaller")
    if scoring.medium_risk_from > scoring.low_risk_from:
        yield problem("scoring.medium_risk_from", "is over low_risk_from", "make it smaller")


def secret_problems(
    webhooks: Webhooks, vault: Vault, storage: Storage, demo: bool
) -> Iterator[Problem]:
    """Refuse a start with no secret, a weak one or a known one; the demo may have its own.

    The position of a weak secret is named, the secret never.
    """
    if demo:
        return
    senders = {
        "seed": webhooks.seed.secrets,
        "kyc": webhooks.kyc.secrets,
        "powens": webhooks.powens.secrets,
        "tink": webhooks.tink.secrets,
        "docusign": webhooks.docusign.secrets,
    }
    if not senders["seed"]:
        place = "webhooks.seed.secrets"
        yield Problem(
            "WEBHOOK_SECRET_MISSING", place, f"{place} is empty, so no webhook could be trusted",
            "set COMPTOIR_WEBHOOKS__SEED__SECRETS_FILE to a file with a JSON list", EXIT_SECRET,
        )  # fmt: skip
    for sender, secrets in senders.items():
        for position, secret in enumerate(secrets):
            reason = _weakness(secret.reveal())
            if reason:
                place = f"webhooks.{sender}.secrets[{position}]"
                yield Problem(
                    "WEBHOOK_SECRET_WEAK", place, f"{place} {reason}",
                    "make one with: openssl rand -hex 32", EXIT_SECRET,
                )  # fmt: skip
    yield from _shared_problems(senders)
    yield from _vault_problems(vault)
    yield from _password_problems(storage)


def _shared_problems(senders: Mapping[str, tuple[Secret, ...]]) -> Iterator[Problem]:
    """Want for each sender a secret of its own: who holds one could else sign as another."""
    owner: dict[Secret, str] = {}
    for sender, secrets in senders.items():
        for position, secret in enumerate(secrets):
            first = owner.setdefault(secret, sender)
            if first != sender:
                place = f"webhooks.{sender}.secrets[{position}]"
                yield Problem(
                    "WEBHOOK_SECRET_SHARED", place, f"{place} is one of webhooks.{first}.secrets",
                    "give each sender its own: openssl rand -hex 32", EXIT_SECRET,
                )  # fmt: skip


def _vault_problems(vault: Vault) -> Iterator[Problem]:
    """Want keys that somebody drew, each once, and a token of Vault's making."""
    host = urlsplit(vault.transit.url).hostname or ""
    reason = _weakness(vault.transit.token.reveal()) if host and _is_far(host) else ""
    if reason and vault.provider == "transit":
        yield Problem(
            "VAULT_TOKEN_WEAK", "vault.transit.token", f"vault.transit.token {reason}",
            "have Vault make one: vault token create", EXIT_SECRET,
        )  # fmt: skip
    seen: dict[Secret, str] = {}
    for name, key in vault.keys.items():
        first = seen.setdefault(key, name)
        reason = f"is vault.keys.{first} again" if first != name else _key_weakness(key)
        if reason:
            place = f"vault.keys.{name}"
            yield Problem(
                "VAULT_KEY_WEAK", place, f"{place} {reason}",
                "make one with: openssl rand -base64 32", EXIT_SECRET,
            )  # fmt: skip


def _key_weakness(key: Secret) -> str:
    """Say why 32 bytes are not drawn, or nothing; drawn ones look so once in 10**13 times."""
    data = base64.b64decode(key.reveal())
    if len(set(data)) < DISTINCT_MIN:
        return "has hardly any different bytes"
    if len({(after - before) % 256 for before, after in pairwise(data)}) == 1:
        return "counts up or down"
    if data.isascii() and data.decode("ascii").isprintable():
        return "is text, not 32 bytes that were drawn"
    half = len(data) // 2
    return "repeats itself" if data[:half] == data[half:] else ""


def _password_problems(storage: Storage) -> Iterator[Problem]:
    """Want a password of the database that is none of the known ones, where others can try it."""
    parts = urlsplit(storage.url.reveal())
    if not any(_is_far(host) for host in _hosts(parts)):
        return
    given = [unquote(parts.password or ""), *parse_qs(parts.query).get("password", ())]
    user = unquote(parts.username or "")
    for password in filter(None, given):
        reason = "is the user's name" if password == user else _weakness(password)
        if reason:
            yield Problem(
                "DATABASE_PASSWORD_WEAK", "storage.url", f"the password of storage.url {reason}",
                "give the role another: openssl rand -hex 32", EXIT_SECRET,
            )  # fmt: skip


def _weakness(secret: str) -> str:
    """Say why the secret is weak, or nothing."""
    if len(secret.encode()) < SECRET_BYTES_MIN:
        return f"is shorter than {SECRET_BYTES_MIN} bytes"
    bare = re.sub(r"[^a-z0-9]", "", secret.casefold())
    demo = re.sub(r"[^a-z0-9]", "", DEMO_WEBHOOK_SECRET)
    if bare in KNOWN_SECRETS or bare == demo:
        return "is a known one"
    if len(set(secret)) < DISTINCT_MIN or re.fullmatch(
        rf"(.{{1,{UNIT_MAX}}}?)\1+", secret, re.DOTALL
    ):
        return "repeats itself"
    return ""
