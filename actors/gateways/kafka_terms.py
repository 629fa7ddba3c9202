"""How librdkafka is told to speak to the brokers, and what its errors mean to us.

Rules:
- nothing is lost or doubled on the way to a log: idempotent, acknowledged by all replicas in sync, and a record that is
  not acknowledged in time is said to be unsent (and may be there all the same: whoever reads drops what it knows);
- an offset moves only when we say so: no commit and no stored offset by itself; where there is none, or it is beyond the
  log's end, reading begins at the earliest;
- librdkafka writes no line of its own: it would write names and addresses past our log.
Source: librdkafka's CONFIGURATION.md and INTRODUCTION.md (idempotent producer); spec.md S29, S62; docs/kafka.md.
"""

import logging
from typing import Any, Final

from confluent_kafka import KafkaError
from msgspec import Struct

from comptoir.engine.gateway_spec import CallFault

__all__ = [
    "RECORD_BYTES_MAX",
    "BrokersAway",
    "KafkaTerms",
    "fault_of",
    "is_fatal",
    "reader_options",
    "writer_options",
]

RECORD_BYTES_MAX: Final = 1_000_000
"""Of one record: Kafka's own default (message.max.bytes); a command has a hundredth of it."""
FETCHED_KIB_MAX: Final = 4_096
"""Of records that were fetched and are not taken yet."""
_SILENT: Final = logging.Logger("comptoir.kafka")  # noqa: LOG001  # outside the tree: it has no handler, ever
_SILENT.addHandler(logging.NullHandler())
_TOO_LONG: Final = frozenset(("MSG_SIZE_TOO_LARGE", "INVALID_MSG", "INVALID_RECORD"))
"""librdkafka's names of errors, also below; those with a line before them are its own."""
_OURS: Final = frozenset((
    "_AUTHENTICATION", "_SSL", "SASL_AUTHENTICATION_FAILED", "TOPIC_AUTHORIZATION_FAILED",
    "GROUP_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED",
))  # fmt: skip
"""The brokers do not take us, or we them."""
_FATAL: Final = frozenset(("_FATAL", "_MSG_TIMED_OUT"))
_TOPIC: Final = frozenset(("UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC"))


class BrokersAway(Exception):
    """They cannot be reached, do not take us, or lack a topic; `code` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class KafkaTerms(Struct, frozen=True):
    """What is agreed with the brokers."""

    servers: str
    client_id: str = "comptoir"
    group: str = "comptoir"
    timeout_s: float = 10.0
    session_timeout_s: float = 10.0
    security: "dict[str, str]" = {}
    """librdkafka's own keys for TLS and SASL; never written anywhere."""
    partitions: int = 0
    """Of a topic that is missing; 0: it is not made."""
    replicas: int = 3

    def __repr__(self) -> str:
        return f"<KafkaTerms {self.client_id} {self.group}>"


def _options(terms: KafkaTerms) -> dict[str, Any]:
    return {
        "bootstrap.servers": terms.servers,
        "client.id": terms.client_id,
        "logger": _SILENT,
        "log.connection.close": False,
        "socket.keepalive.enable": True,
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 2_000,
        **terms.security,
    }


def writer_options(terms: KafkaTerms) -> dict[str, Any]:
    """Of a producer."""
    return {
        **_options(terms),
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 0,
        "message.timeout.ms": round(terms.timeout_s * 1000),
        "message.max.bytes": RECORD_BYTES_MAX,
        "queue.buffering.max.messages": 10_000,
        "queue.buffering.max.kbytes": 65_536,
    }


def reader_options(terms: KafkaTerms) -> dict[str, Any]:
    """Of a consumer."""
    return {
        **_options(terms),
        "group.id": terms.group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "session.timeout.ms": round(terms.session_timeout_s * 1000),
        "heartbeat.interval.ms": max(300, round(terms.session_timeout_s * 1000 / 3)),
        "partition.assignment.strategy": "range",
        "queued.max.messages.kbytes": FETCHED_KIB_MAX,
        "fetch.message.max.bytes": RECORD_BYTES_MAX,
        "allow.auto.create.topics": False,
    }


def fault_of(error: KafkaError) -> CallFault:
    """What an error means for the record that was to be sent."""
    if error.name() in _TOO_LONG:
        return CallFault("RECORD_REFUSED", retryable=False, sick=False)
    return CallFault(away_code(error), retryable=True)


def is_fatal(error: KafkaError) -> bool:
    """Whether whoever has it is of no more use.

    What is refused after a fatal error says so by its name alone. A producer that could not send a record in its whole
    time may wait for brokers that are back and have forgotten it, and would wait for ever.
    """
    return error.fatal() or error.name() in _FATAL


def away_code(error: KafkaError) -> str:
    """Why the brokers are of no use, as a stable code."""
    name = error.name()
    if name in _OURS:
        return "BUS_REFUSES_US"
    return "TOPIC_MISSING" if name in _TOPIC else "BUS_UNREACHABLE"
