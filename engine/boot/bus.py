"""The bus of a daemon: our own table, or Kafka; its gateways, what reads it, what it is told, how it stands.

Rules:
- which of them it is, is the configuration's choice alone (`core_banking.bus`): machines know of neither;
- a bus that is away is told of in the readiness and by metrics, and takes nobody out of rotation: what is to go there
  waits in our table.
Source: spec.md S17, S29, S33, X30; docs/kafka.md; docs/adr/0056-kafka-is-a-carrier.md.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack

import trio
from prometheus_client import CollectorRegistry, Gauge

from comptoir.actors.gateways.core_bus import NoBus, TableBus, bus_gateways
from comptoir.actors.gateways.core_kafka import KafkaBus, Topics, kafka_gateways
from comptoir.actors.gateways.kafka_terms import KafkaTerms
from comptoir.actors.gateways.kafka_writer import KafkaWriter, open_writer
from comptoir.engine.boot.bus_outbox import Outbox
from comptoir.engine.boot.bus_reading import BusReading
from comptoir.engine.compose import gateway_bounds
from comptoir.engine.engine import Engine
from comptoir.engine.gateway_spec import GatewayBounds, GatewaySpec
from comptoir.engine.settings import Kafka, Provider, Settings
from comptoir.engine.settings.kafka import NO_SASL
from comptoir.engine.tally import Tallies

__all__ = ["CoreBus", "terms_of"]


def terms_of(kafka: Kafka) -> KafkaTerms:
    """What these settings agree with the brokers."""
    proven = kafka.sasl_mechanism != NO_SASL
    security = {
        "security.protocol": f"{'SASL_' if proven else ''}{'SSL' if kafka.tls else 'PLAINTEXT'}"
    }
    if proven:
        security |= {
            "sasl.mechanism": kafka.sasl_mechanism,
            "sasl.username": kafka.username,
            "sasl.password": kafka.password.reveal(),
        }
    if kafka.tls:
        files = {
            "ssl.ca.location": kafka.ca_file,
            "ssl.certificate.location": kafka.certificate_file,
            "ssl.key.location": kafka.key_file,
        }
        security |= {key: path for key, path in files.items() if path}
    return KafkaTerms(
        kafka.bootstrap_servers, kafka.client_id, kafka.group, kafka.timeout_s,
        kafka.session_timeout_s, security, kafka.topic_partitions, kafka.topic_replicas,
    )  # fmt: skip


class CoreBus:
    """The bus of one daemon."""

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        banking = settings.core_banking
        self._settings = settings
        self._topics = Topics(banking.command_topic, banking.event_topic)
        self._writer: KafkaWriter | None = None
        self._queues: Callable[[], str] = str
        self._terms = terms_of(settings.kafka) if banking.bus == "kafka" else None
        if self._terms is None:
            return
        self._published = Tallies(
            registry, "comptoir_bus_published", "Records that were sent, by what came of it.",
            ("topic", "result"),
        )  # fmt: skip
        self._taken = Tallies(
            registry, "comptoir_bus_records", "Records that were read, by what they came to.",
            ("topic", "result"),
        )  # fmt: skip
        self._lag = Gauge(
            "comptoir_bus_lag_records", "Records of a topic that are not taken yet.", ("topic",),
            registry=registry,
        )  # fmt: skip
        for topic in self._topics:
            self._lag.labels(topic)
        backlog = settings.kafka.backlog_rows_max
        self._reading = BusReading(
            self._terms, self._topics, backlog, self._count_taken, self._show_lag
        )
        self._bus = KafkaBus(self._topics, lambda: self._writer, self._count_published)
        self._outbox = Outbox(
            "kafka", lambda topic, key, body: self._bus.send(topic, key, body, {})
        )

    async def gateways(self, stack: AsyncExitStack, *, mainframe: bool) -> list[GatewaySpec]:
        """The two topics as gateways; what speaks to the brokers ends with the stack.

        Args:
            stack: of the engine.
            mainframe: whether commands are carried out here. If not, Kafka's are those of somebody else's adapter.
        """
        if self._terms is None:
            bus = TableBus() if mainframe else NoBus()
            return [*bus_gateways(bus, _bounds(self._settings))]
        if mainframe:
            self._reading.read = tuple(self._topics)
        self._writer = await stack.enter_async_context(open_writer(self._terms))
        return kafka_gateways(self._bus, self._topics, _bounds(self._settings))

    async def run(self, engine: Engine) -> None:
        """Read and publish until cancelled; where the bus is our own table there is nothing to do."""
        if self._terms is None:
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._reading.run, engine)
            nursery.start_soon(self._outbox.run, engine)

    def checks(self) -> dict[str, str]:
        """What the readiness says of it, and of the mainframe's queues behind it where somebody has to change something."""
        trouble = self._queues()
        queues = {"mainframe": trouble} if trouble else {}
        if self._terms is None:
            return queues
        return queues | {"bus": self._reading.trouble or self._outbox.trouble or "ok"}

    def watch(self, queues: Callable[[], str]) -> None:
        """Have the readiness tell of the mainframe's queues, too.

        Args:
            queues: says what is the matter with them; empty: nothing that anybody has to change.
        """
        self._queues = queues

    def _count_published(self, topic: str, result: str) -> None:
        self._published.of(topic, result).value += 1

    def _count_taken(self, topic: str, result: str) -> None:
        self._taken.of(topic, result).value += 1

    def _show_lag(self, topic: str, behind: int) -> None:
        self._lag.labels(topic).set(behind)

    def __repr__(self) -> str:
        return f"<CoreBus {self._settings.core_banking.bus} {self.checks()}>"


def _bounds(settings: Settings) -> GatewayBounds:
    kafka = settings.kafka
    # The gateway's own deadline comes after librdkafka's, which knows more.
    party = Provider("", kafka.timeout_s + 2, kafka.calls_in_flight_max)
    return gateway_bounds(settings, party, settings.breakers.bus)
