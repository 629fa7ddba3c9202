"""Rules that tie settings to one another, and those that a start must meet.

Rule: what would open the daemon to the outside without protection is refused, not warned about.
Source: interface.md 2 (exit 5), interface.md 3; S53, S54, S62.
"""

import base64
import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, unquote, urlsplit

from iso4217 import Currency

from comptoir.engine.settings.cashback import Points, Webhooks
from comptoir.engine.settings.onboarding import Scoring
from comptoir.engine.settings.problems import EXIT_SECRET, Problem
from comptoir.engine.settings.runtime import Auth, Clock, Http, Ingest, Storage, Vault

__all__ = [
    "DEMO_WEBHOOK_SECRET",
    "bind_problems",
    "ingest_problems",
    "is_loopback",
    "page_problems",
    "points_problems",
    "scoring_problems",
    "secret_problems",
    "storage_problems",
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


def _problem(place: str, text: str, remedy: str) -> Problem:
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
    outside = {key: host for key, host in hosts.items() if not is_loopback(host)}
    for key, host in outside.items():
        if auth.mode == "loopback":
            yield _problem(
                key, f"is {host}, but auth.mode loopback has no tokens",
                "set 127.0.0.1; what others must reach goes behind a gateway of your own",
            )  # fmt: skip
        if clock.mode == "manual":
            yield _problem(
                key, f"is {host}, but anyone who reaches it could move a manual clock",
                "set 127.0.0.1, or clock.mode to wall",
            )  # fmt: skip
        if auth.mode == "on" and auth.dev_tokens:
            yield _problem(
                key, f"is {host}, but auth.dev_tokens is for loopback",
                "set auth.dev_tokens to false",
            )  # fmt: skip


def ingest_problems(ingest: Ingest) -> Iterator[Problem]:
    """Want a certificate with its key, or neither: half of them would leave the lane in the clear."""
    if bool(ingest.tls_certificate) != bool(ingest.tls_key):
        missing, given = "ingest.tls_key", "ingest.tls_certificate"
        if ingest.tls_key:
            missing, given = given, missing
        yield _problem(missing, f"is empty, but {given} is not", "set both, or neither")


def page_problems(http: Http) -> Iterator[Problem]:
    """Hold the default page within the largest."""
    if http.page_items_default > http.page_items_max:
        yield _problem(
            "http.page_items_default", f"is over http.page_items_max, {http.page_items_max}",
            "make it smaller",
        )  # fmt: skip


def storage_problems(storage: Storage) -> Iterator[Problem]:
    """Want TLS with a verified name beyond this machine (S62); the address is never repeated."""
    text = storage.url.reveal()
    if not text:
        return
    place, parts = "storage.url", urlsplit(text)
    query = parse_qs(parts.query, keep_blank_values=True)
    named = parts.netloc.rpartition("@")[2].split(",")
    named += [
        host for name in ("host", "hostaddr") for host in ",".join(query.get(name, ())).split(",")
    ]
    hosts = [host for host in (unquote(_without_port(entry)) for entry in named) if host]
    if not hosts:
        yield _problem(place, "names no host", "give a host, or ?host= with a socket's folder")
        return
    far = any(not host.startswith("/") and not is_loopback(host) for host in hosts)
    if far and query.get("sslmode") != [VERIFY_FULL]:
        yield _problem(
            place, "is beyond loopback and does not verify the server",
            "add sslmode=verify-full, once",
        )  # fmt: skip


def _without_port(entry: str) -> str:
    """Take `host`, `host:port`, `[v6]:port` or a bare v6 address to its host."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry if entry.count(":") > 1 else entry.partition(":")[0]


def points_problems(points: Points) -> Iterator[Problem]:
    """Want a real currency with cents and tiers in rising order, from 0."""
    currency = next((entry for entry in Currency if entry.code == points.currency), None)
    if currency is None:
        yield _problem("points.currency", f"is {points.currency}", "give an ISO 4217 code")
    elif currency.exponent != CENTS_DIGITS:
        yield _problem(
            "points.currency", f"is {points.currency}, which has no cents", "give one with cents"
        )
    thresholds = [tier.threshold_points for tier in points.tiers]
    if thresholds != sorted(set(thresholds)) or thresholds[0] != 0:
        yield _problem("points.tiers", "do not rise from 0", "order them by threshold_points")
    if len({tier.id for tier in points.tiers}) != len(points.tiers):
        yield _problem("points.tiers", "have an id twice", "give each its own id")


def scoring_problems(scoring: Scoring) -> Iterator[Problem]:
    """Want bands that do not cross (S23, X2)."""
    if scoring.review_from > scoring.approve_from:
        yield _problem("scoring.review_from", "is over approve_from", "make it smaller")
    if scoring.medium_risk_from > scoring.low_risk_from:
        yield _problem("scoring.medium_risk_from", "is over low_risk_from", "make it smaller")


def secret_problems(webhooks: Webhooks, vault: Vault, demo: bool) -> Iterator[Problem]:
    """Refuse a start with no secret, a weak one or a known one; the demo may have its own.

    The position of a weak secret is named, the secret never.
    """
    if demo:
        return
    senders = {
        "seed": webhooks.seed.secrets,
        "kyc": webhooks.kyc.secrets,
        "powens": webhooks.powens.secrets,
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
    for name, key in vault.keys.items():
        if len(set(base64.b64decode(key.reveal()))) < DISTINCT_MIN:
            place = f"vault.keys.{name}"
            yield Problem(
                "VAULT_KEY_WEAK", place, f"{place} has hardly any different bytes",
                "make one with: openssl rand -base64 32", EXIT_SECRET,
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
