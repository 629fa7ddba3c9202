"""Settings of the Kafka brokers that may carry the bus (S29): where they are, who we are there, what bounds us.

Rule: they are used where `core_banking.bus = "kafka"`, and there alone; the default bus is our own table.
Source: spec.md S17, S29, S75, X30; interface.md 3; docs/kafka.md.
"""

# ruff: noqa: RUF009 - rows are dataclasses.field calls by another name

from collections.abc import Iterator
from dataclasses import dataclass

from comptoir.engine.settings.fields import Section, flag, integer, number, option
from comptoir.engine.settings.kinds import ChoiceKind, TextKind
from comptoir.engine.settings.kinds_made import SecretKind
from comptoir.engine.settings.onboarding import CoreBanking, Onboarding
from comptoir.engine.settings.problems import Problem
from comptoir.engine.settings.rules import is_loopback, problem
from comptoir.engine.settings.secret import Secret

__all__ = ["Kafka", "kafka_problems"]

SERVERS = TextKind(
    "host:port, several with commas between them, or an empty text",
    r"([A-Za-z0-9.-]{1,253}:[0-9]{1,5}(,[A-Za-z0-9.-]{1,253}:[0-9]{1,5}){0,15})?",
)
NAME = TextKind("1 to 128 of A-Z a-z 0-9 . _ -", r"[A-Za-z0-9._-]{1,128}")
FILE = TextKind("the path of a file, or an empty text", r".{0,4096}")
USER = TextKind("up to 128 printable characters", r"[!-~]{0,128}")
NO_SASL = "none"


@dataclass(frozen=True, slots=True)
class Kafka(Section):
    """Kafka, where it carries the bus; beyond loopback it is spoken to under TLS."""

    bootstrap_servers: str = option(
        "", SERVERS, "Brokers to begin with; the others are learnt from them.", "S29"
    )
    client_id: str = option("comptoir", NAME, "What we are called in the brokers' logs.", "ours")
    group: str = option(
        "comptoir", NAME, "Consumer group: one for all daemons of one database.", "ours"
    )
    tls: bool = flag(False, "Speak to the brokers under TLS.", "S62")
    ca_file: str = option(
        "",
        FILE,
        "Certificates of who signs the brokers' (PEM); empty = those of the system.",
        "S62",
    )
    certificate_file: str = option(
        "", FILE, "Our own certificate (PEM), where the brokers want one.", "S62"
    )
    key_file: str = option("", FILE, "Its private key (PEM).", "S62")
    sasl_mechanism: str = option(
        NO_SASL, ChoiceKind((NO_SASL, "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")),
        "How we prove who we are.", "ours",
    )  # fmt: skip
    username: str = option("", USER, "Who we are there.", "ours")
    password: Secret = option(
        Secret(""), SecretKind("a text, or an empty one", lambda _text: True),
        "What proves it.", "ours", "secret",
    )  # fmt: skip
    timeout_s: float = number(
        10.0,
        "s",
        (0.5, 300.0),
        "Until a record is acknowledged by all replicas, or is not.",
        "ours",
    )
    session_timeout_s: float = number(
        10.0, "s", (1.0, 300.0),
        "Silence of ours after which the brokers give our partitions to another.", "ours",
    )  # fmt: skip
    calls_in_flight_max: int = integer(64, "records", (1, 10_000), "Records on their way.", "ours")
    backlog_rows_max: int = integer(
        10_000, "rows", (1, 1_000_000),
        "Messages pending here beyond which no more records are fetched.", "ours",
    )  # fmt: skip
    topic_partitions: int = integer(
        0,
        "partitions",
        (0, 1_000),
        "Of a topic that is missing and is made; 0 = none is made.",
        "ours",
    )
    topic_replicas: int = integer(3, "replicas", (1, 15), "Of a topic that is made.", "S75")


def kafka_problems(kafka: Kafka, banking: CoreBanking, onboarding: Onboarding) -> Iterator[Problem]:
    """Want brokers where Kafka is the bus, and TLS to those that are not on this machine (S62)."""
    if banking.bus != "kafka":
        return
    place = "kafka.bootstrap_servers"
    if not kafka.bootstrap_servers:
        yield problem(place, "is empty, but core_banking.bus is kafka", "name a broker")
    hosts = [one.rpartition(":")[0] for one in kafka.bootstrap_servers.split(",") if one]
    if not kafka.tls and not all(is_loopback(host) for host in hosts):
        yield problem("kafka.tls", "is off, but a broker is beyond loopback", "set it to true")
    if kafka.sasl_mechanism != NO_SASL and not (kafka.username and kafka.password):
        place = "kafka.username" if not kafka.username else "kafka.password"
        yield problem(place, "is empty, but kafka.sasl_mechanism is set", "give it")
    if bool(kafka.certificate_file) != bool(kafka.key_file):
        place = "kafka.key_file" if kafka.certificate_file else "kafka.certificate_file"
        yield problem(place, "is empty, but the other of the pair is not", "give both")
    topics = (banking.command_topic, banking.event_topic, onboarding.kyc_approved_topic)
    if len(set(topics)) != len(topics):
        yield problem("core_banking.event_topic", "is a topic of another use", "name three topics")
