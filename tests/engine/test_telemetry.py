"""Metrics and logs: the names that operators rely on, and never a personal datum (interface.md 5)."""

import errno
import json
from unittest.mock import Mock

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from trio.testing import MockClock

from comptoir.engine.engine import Engine
from comptoir.engine.telemetry import Telemetry, configure_logging
from comptoir.engine.toys import Call, Do, Party, Send, toy_parts
from comptoir.engine.values import Address
from comptoir.storage.testing import MemoryJournal

STABLE = {
    "comptoir_messages_pending": {"kind"},
    "comptoir_dead_letters": {"queue"},
    "comptoir_commit_batch_size_count": set[str](),
    "comptoir_commit_batch_size_sum": set[str](),
    "comptoir_ack_seconds_bucket": {"le"},
    "comptoir_credit_seconds_bucket": {"le"},
    "comptoir_breaker_state": {"gateway"},
    "comptoir_actors_resident": {"kind"},
    "comptoir_actor_restarts_total": {"kind"},
    "comptoir_webhooks_total": {"result", "code"},
}
"""Of interface.md 5, what the engine room gives; the cashback actors give the rest."""
PERSON = "user-4711"


def _samples(text: bytes) -> list[Sample]:
    families = text_string_to_metric_families(text.decode())
    return [sample for family in families for sample in family.samples]


async def _text() -> bytes:
    telemetry = Telemetry()
    webhooks = telemetry.counter("comptoir_webhooks", "Webhooks.", ("result", "code"))
    webhooks.of("accepted", "").value += 1
    assert not any("actors" in sample.name for sample in _samples(telemetry.text()))
    party = Party({PERSON: ["no"], f"{PERSON} again": ["crash"]})
    async with (
        MemoryJournal.open() as journal,
        Engine(toy_parts(journal, party.gateway())).running() as engine,
    ):
        telemetry.engine.statistics = engine.statistics
        telemetry.engine.pending = {"toy": 3, "timer": 1, "parked": 0}
        telemetry.engine.parked = {"party": 100}
        telemetry.engine.dead_letters = {"dlq:toy": 2}
        telemetry.ack_seconds.observe(0.003)
        telemetry.credit_seconds.observe(0.1)
        message = Do(PERSON, crash="first", send=(Send("party", "", Call(PERSON)),))
        await engine.ask(Address("toy", PERSON), message)
        await engine.tell(Address("party", ""), Call(f"{PERSON} again"))
        assert await engine.quiesce(5)
        return telemetry.text()


async def test_text_is_prometheus_text_with_the_stable_names(autojump_clock: MockClock) -> None:
    """interface.md 5: every stable name is there under its labels, and the text parses."""
    found = {sample.name: set(sample.labels) for sample in _samples(await _text())}
    for name, labels in STABLE.items():
        assert found.get(name) == labels, name


async def test_figures_are_those_of_the_engine(autojump_clock: MockClock) -> None:
    """What is scraped is what the statistics say."""
    figures = {
        (sample.name, *sample.labels.values()): sample.value for sample in _samples(await _text())
    }
    assert figures["comptoir_actors_resident", "toy"] == 1
    assert figures["comptoir_actor_restarts_total", "toy"] == 1
    assert figures["comptoir_messages_pending", "toy"] == 3
    assert figures["comptoir_dead_letters", "dlq:toy"] == 2
    assert figures["comptoir_gateway_calls_total", "party"] == 2
    assert figures["comptoir_gateway_failures_total", "party"] == 2
    assert figures["comptoir_breaker_state", "party"] == 0
    assert figures["comptoir_parked_calls", "party"] == 100
    assert figures["comptoir_parked_release_seconds", "party"] == 2, "at fifty a second"
    assert figures["comptoir_messages_stranded_total",] == 0


async def test_no_personal_datum_in_metrics_or_logs(
    autojump_clock: MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Invariant 8: neither keys of actors nor what messages say appear in metrics or in logs."""
    text = await _text()
    assert PERSON.encode() not in text
    captured = capsys.readouterr()
    assert "machine crashed" in captured.out + captured.err
    assert "adapter crashed" in captured.out + captured.err
    assert PERSON not in captured.out + captured.err


def test_two_engines_share_no_registry() -> None:
    """Two daemons in one process count for themselves."""
    first, second = Telemetry(), Telemetry()
    first.counter("comptoir_x", "X.", ()).of().value += 1
    second.counter("comptoir_x", "X.", ()).of()
    values = [
        sample.value
        for telemetry in (first, second)
        for sample in _samples(telemetry.text())
        if sample.name == "comptoir_x_total"
    ]
    assert values == [1, 0]


def test_logs_are_json_lines_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """interface.md 2: standard output has the ready line and nothing else, ever."""
    try:
        configure_logging("json", "info")
        log = structlog.get_logger("test")
        log.debug("not shown")
        log.info("shown", number=7)
    finally:
        structlog.reset_defaults()
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert {"event": "shown", "number": 7, "level": "info"}.items() <= json.loads(line).items()


def test_a_log_that_cannot_be_written_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk below the log, or a reader that left: the line is lost, and nothing else."""
    full = Mock(**{"write.side_effect": OSError(errno.ENOSPC, "No space left on device")})
    monkeypatch.setattr("sys.stderr", full)
    try:
        configure_logging("json", "info")
        structlog.get_logger("test").info("lost")
    finally:
        structlog.reset_defaults()
    full.write.assert_called()
