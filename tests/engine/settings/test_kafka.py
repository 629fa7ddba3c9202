"""What is wanted of the brokers' settings, and what librdkafka is told of them (S29, S62)."""

import pytest

from comptoir.actors.gateways.kafka_terms import reader_options, writer_options
from comptoir.engine.boot.bus import terms_of
from comptoir.engine.settings import Settings, SettingsError
from comptoir.engine.settings.secret import Secret

KAFKA: dict[tuple[str, ...], object] = {
    ("core_banking", "bus"): "kafka",
    ("kafka", "bootstrap_servers"): "kafka-1.bank.example:9093,kafka-2.bank.example:9093",
    ("kafka", "tls"): True,
}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({("kafka", "bootstrap_servers"): ""}, "kafka.bootstrap_servers"),
        ({("kafka", "tls"): False}, "kafka.tls"),
        ({("kafka", "sasl_mechanism"): "PLAIN"}, "kafka.username"),
        ({("kafka", "sasl_mechanism"): "PLAIN", ("kafka", "username"): "us"}, "kafka.password"),
        ({("kafka", "certificate_file"): "ours.pem"}, "kafka.key_file"),
        ({("kafka", "key_file"): "ours.key"}, "kafka.certificate_file"),
        ({("core_banking", "event_topic"): "core-banking-commands"}, "core_banking.event_topic"),
    ],
)
def test_what_a_start_refuses(change: dict[tuple[str, ...], object], place: str) -> None:
    """Commands carry people's numbers: beyond this machine only under TLS (S62, X11)."""
    with pytest.raises(SettingsError) as refused:
        Settings().having({**KAFKA, **change})
    assert [problem.place for problem in refused.value.problems] == [place]


def test_what_is_not_used_is_not_looked_at() -> None:
    """The default needs no broker (X30)."""
    Settings().having({("kafka", "sasl_mechanism"): "PLAIN"})
    Settings().having(
        {**KAFKA, ("kafka", "bootstrap_servers"): "127.0.0.1:9092", ("kafka", "tls"): False}
    )


def test_what_librdkafka_is_told() -> None:
    """Idempotent and acknowledged by all; offsets move when we say so; the password is shown nowhere else (S29, S58)."""
    settings = Settings().having({
        **KAFKA,
        ("kafka", "sasl_mechanism"): "SCRAM-SHA-512",
        ("kafka", "username"): "comptoir",
        ("kafka", "password"): Secret("of the brokers"),
        ("kafka", "ca_file"): "/etc/ca.pem",
    })  # fmt: skip
    terms = terms_of(settings.kafka)
    told = writer_options(terms)
    assert (told["enable.idempotence"], told["acks"]) == (True, "all")
    assert (told["security.protocol"], told["sasl.mechanism"]) == ("SASL_SSL", "SCRAM-SHA-512")
    assert (told["sasl.password"], told["ssl.ca.location"]) == ("of the brokers", "/etc/ca.pem")
    read = reader_options(terms)
    assert read["enable.auto.commit"] is False
    assert read["enable.auto.offset.store"] is False
    assert read["auto.offset.reset"] == "earliest"
    assert "of the brokers" not in repr(terms)
