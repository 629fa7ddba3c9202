"""Stacks become steps: the innermost frame that a rule knows decides, and nothing is lost.

Source: bench/steps.py; docs/performance.md, "Where the time goes".
"""

import pytest

from bench.steps import REST, by_step, step_of, steps

OUTER = "<module> (/srv/bin/comptoir:1);run (/lib/trio/_core/_run.py:2424);unrolled_run (/lib/trio/_core/_run.py:2712)"


def _stack(*frames: str) -> str:
    return ";".join([OUTER, *frames])


@pytest.mark.parametrize(
    ("frames", "step"),
    [
        (["Edge.__call__ (/srv/http/edge.py:1)"], "edge: read, frame, answer"),
        (["Lane.serve (/srv/http/lane.py:1)"], "edge: read, frame, answer"),
        (["receive (/srv/http/webhooks.py:1)", "seed_fault (/srv/http/signatures.py:9)"], "edge: verify"),
        (["receive (/srv/http/webhooks.py:1)", "read (/srv/http/payloads.py:9)"], "edge: decode"),
        (["receive (/srv/http/webhooks.py:1)"], "edge: receive"),
        (["receive (/srv/http/webhooks.py:1)", "Engine.ask (/srv/engine/engine.py:1)"], "ask"),
        (["Actor.run (/srv/engine/actor.py:1)", "_route (/srv/actors/connection/machine.py:1)",
          "Catalogue.match (/srv/actors/merchants/catalogue.py:1)"], "connection: match, decide"),
        (["Actor.run (/srv/engine/actor.py:1)", "_credit (/srv/actors/wallet/machine.py:1)"], "wallet: decide"),
        (["Writer.run (/srv/storage/writer.py:1)", "fold (/srv/storage/batch.py:1)"], "journal: fold"),
        (["fold (/srv/storage/batch.py:1)", "Vault.seal (/srv/storage/vault.py:1)"], "journal: seal, hash"),
        (["fold (/srv/storage/batch.py:1)", "write_value (/srv/storage/sound.py:1)"], "journal: encode"),
        (["Writer._settle (/srv/storage/writer.py:1)"], "settle and hand over"),
        (["Actor._settle (/srv/engine/actor.py:1)"], "settle and hand over"),
        (["Delivery.hand_over (/srv/engine/delivery.py:1)"], "settle and hand over"),
        (["Loop.run (/lib/trio_asyncio/_base.py:1)"], "asyncpg and its bridge"),
        (["EpollIOManager.get_events (/lib/trio/_core/_io_epoll.py:238)"], "trio: poll"),
        ([], "trio: schedule"),
    ],
)  # fmt: skip
def test_stack_belongs_to_its_step(frames: list[str], step: str) -> None:
    """The innermost known frame names the step."""
    assert step_of(_stack(*frames)) == step


def test_a_library_counts_for_its_caller() -> None:
    """What trio or the standard library does inside a task is the task's, not the scheduler's."""
    stack = _stack("H11._send (/lib/hypercorn/h11.py:1)", "send (/lib/trio/_socket.py:1)")
    assert step_of(stack) == "edge: read, frame, answer"
    assert (
        step_of(_stack("read (/srv/http/payloads.py:1)", "search (/lib/re.py:1)")) == "edge: decode"
    )


def test_what_no_rule_knows_is_the_rest() -> None:
    """A stack without any known frame is told apart, and is not dropped."""
    assert step_of("main (/x/y.py:1);f (/x/z.py:2)") == REST
    assert step_of("no frame at all") == REST


def test_a_thread_that_waits_for_work_is_not_counted() -> None:
    """The profiler takes a thread for busy that waits for a lock; one that works in the same thread is counted."""
    thread = "Thread.run (/usr/lib/python3.11/threading.py:964);WorkerThread._work (/lib/trio/_core/_thread_cache.py:209)"
    assert by_step([f"{thread} 32", f"{thread};fold (/srv/storage/batch.py:1) 1"]) == {
        "journal: fold": 1
    }


def test_samples_are_added_up_by_step() -> None:
    """Each line of a raw profile counts as often as it says, frames with blanks included."""
    lines = [
        _stack("fold (/srv/storage/batch.py:1)") + " 30",
        _stack("fold (/srv/storage/batch.py:7)", "f (<attrs generated methods x>:1)") + " 10",
        _stack() + " 60",
        "",
    ]
    assert by_step(lines) == {"journal: fold": 40, "trio: schedule": 60}


def test_table_sums_to_the_cpu_of_a_webhook() -> None:
    """Microseconds are shares of the process's own CPU, largest first, the rest always among them."""
    lines = [_stack("fold (/srv/storage/batch.py:1)") + " 1", _stack() + " 3"]
    table = steps(lines, cpu_s=0.2, webhooks=1000)
    assert [(one.name, round(one.us, 6)) for one in table] == [
        ("trio: schedule", 150.0),
        ("journal: fold", 50.0),
        (REST, 0.0),
    ]
