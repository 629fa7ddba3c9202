"""Runs against a reference receiver that recounts on its own."""

from typing import Any

import pytest
import trio

EVERYTHING = {
    "partner": 0.5,
    "duplicate": 0.1,
    "forged": 0.05,
    "late": 0.05,
    "refund": 0.1,
    "replay": 0.05,
    "unknownConnection": 0.05,
    "reorderWindow": 64,
}


def _held(account: dict[str, Any]) -> dict[str, int]:
    return {user: points for user, points in account["byUser"].items() if points}


async def test_expected_acknowledged_and_held_agree(driver: Any, receiver: Any) -> None:
    """interface.md 10, X32: both counts equal what the receiver recounts, to the point, by user."""
    result = await driver.played(receiver, count=3000, mix=EVERYTHING)
    assert result["status"] == "done"
    assert result["surprises"] == {}
    held = receiver.points()
    assert sum(held.values()) == result["expected"]["points"] == result["acknowledged"]["points"]
    assert _held(result["expected"]) == _held(result["acknowledged"]) == held
    assert held
    assert result["byCode"] == dict(receiver.answers)
    assert result["sent"] == sum(result["answers"].values()) == len(receiver.messages)
    assert result["sent"] + result["skipped"] == 3000
    kinds = {"partner", "other", "refund", "duplicate", "replay", "forged", "late", "wrong_clock"}
    assert set(result["byKind"]) == kinds | {"unknown_connection"}
    latency = result["latencyMs"]
    assert 0 < latency["p50"] <= latency["p99"] <= latency["max"]
    assert result["progress"]["done"] == result["progress"]["total"] == 3000


async def test_same_seed_sends_the_same(driver: Any, receiver: Any) -> None:
    """interface.md 10: two runs of one seed send the same bodies; the second earns nothing."""
    fields = {"seed": "abc", "startAt": "2026-01-02T03:04:05Z", "count": 300}
    first = await driver.played(receiver, **fields)
    bodies: list[bytes] = sorted(receiver.messages)
    receiver.messages.clear()
    second = await driver.played(receiver, **fields)
    assert sorted(receiver.messages) == bodies
    assert first["expected"] == second["expected"]
    assert first["acknowledged"]["points"] > 0
    assert second["acknowledged"]["points"] == 0
    assert second["takenBefore"] == len(receiver.taken)
    assert first["takenBefore"] == 0


async def test_acknowledged_counts_answers_only(driver: Any, receiver: Any) -> None:
    """interface.md 10: what was refused for good is expected, and not acknowledged."""
    seen = [0]

    def refuse_some(_receiver: Any) -> tuple[int, dict[str, str]] | None:
        seen[0] += 1
        return (422, {"code": "WEBHOOK_PAYLOAD_INVALID"}) if seen[0] % 5 == 0 else None

    receiver.interfere = refuse_some
    result = await driver.played(receiver, count=1000)
    assert result["acknowledged"]["points"] < result["expected"]["points"]
    assert _held(result["acknowledged"]) == receiver.points()
    assert any(name.endswith("422 WEBHOOK_PAYLOAD_INVALID") for name in result["surprises"])


async def test_a_receiver_that_takes_forgeries_is_told(driver: Any, receiver: Any) -> None:
    """S54: an answer that no correct receiver gives is named, and earns nothing."""

    def take_all(_receiver: Any) -> tuple[int, dict[str, str]]:
        return 202, {"status": "accepted"}

    receiver.interfere = take_all
    mix = {"partner": 0, "duplicate": 0, "refund": 0, "forged": 0.5, "late": 0.5}
    result = await driver.played(receiver, count=100, mix=mix)
    assert result["surprises"]["forged: 202 accepted"] > 20
    assert result["expected"]["points"] == result["acknowledged"]["points"] == 0


async def test_lost_answers_are_sent_again(driver: Any, receiver: Any) -> None:
    """X19: an effect whose answer was lost is acknowledged by the duplicate of the retry."""
    seen = [0]

    def lose_some(_receiver: Any) -> None:
        seen[0] += 1
        if seen[0] % 7 == 0:
            raise ConnectionResetError

    receiver.after = lose_some
    result = await driver.played(receiver, count=500, mix=EVERYTHING)
    assert result["retries"] > 20
    assert "CONNECTION_LOST" in result["failedAttempts"]
    assert _held(result["expected"]) == _held(result["acknowledged"]) == receiver.points()
    assert result["takenBefore"] == result["gaveUp"] == 0


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_overload_is_sent_again(driver: Any, receiver: Any, status: int) -> None:
    """interface.md 6, row 9: 5xx and 429 are tried again until taken."""
    seen = [0]

    def overloaded(_receiver: Any) -> tuple[int, dict[str, str]] | None:
        seen[0] += 1
        return (status, {"code": "OVERLOADED"}) if seen[0] <= 20 else None

    receiver.interfere = overloaded
    result = await driver.played(receiver, count=100)
    assert result["failedAttempts"] == {f"HTTP_{status}": 20}
    assert str(status) not in result["answers"]
    assert _held(result["expected"]) == _held(result["acknowledged"]) == receiver.points()


async def test_a_receiver_that_dies_and_comes_back(
    driver: Any, receiver: Any, listening: Any
) -> None:
    """Issue 2, deliver 6: while nothing listens the webhooks wait, then go again; none is lost."""
    died = trio.Event()

    def die(dying: Any) -> None:
        if len(dying.messages) == 150:
            died.set()
        if died.is_set():
            raise ConnectionResetError

    async with listening(type(receiver)()) as first:
        first.after = die
        run_id = await driver.run(first, count=600, mix=EVERYTHING)
        await died.wait()
    reborn = type(receiver)(taken=first.taken)
    async with listening(reborn, first.port):
        result = await driver.result(run_id)
    assert result["status"] == "done"
    assert result["retries"] > 0
    assert result["gaveUp"] == 0
    assert result["surprises"] == {}
    assert _held(result["expected"]) == _held(result["acknowledged"]) == reborn.points()


async def test_a_receiver_that_stays_away_ends_the_run(driver: Any, receiver: Any) -> None:
    """Every retry is bounded: without any answer for `retrySeconds` the run fails and says why."""

    def drop(_receiver: Any) -> None:
        raise ConnectionResetError

    receiver.interfere = drop
    result = await driver.played(receiver, retrySeconds=0.2)
    assert (result["status"], result["sent"]) == ("failed", 8)
    assert result["reason"] == "no answer from the target for 0.2 s"


async def test_slow_answers_time_out(driver: Any, receiver: Any) -> None:
    """An answer that takes longer than `timeoutMs` is none: the webhook goes again."""
    slow = [True]
    serve = receiver.serve

    async def hang_once(stream: trio.SocketStream) -> None:
        if slow:
            slow.clear()
            await trio.sleep_forever()
        await serve(stream)

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, hang_once, listeners)
        receiver.port = listeners[0].socket.getsockname()[1]
        result = await driver.played(receiver, count=20, timeoutMs=1_000)
        nursery.cancel_scope.cancel()
    assert result["failedAttempts"] == {"TIMEOUT": 1}
    assert _held(result["acknowledged"]) == receiver.points()


async def test_pacing_counts_latency_from_the_intended_time(driver: Any, receiver: Any) -> None:
    """Coordinated omission: one stall is in the latency of everything that had to wait behind it."""
    stalled: list[float] = []

    async def stall(stream: trio.SocketStream) -> None:
        await trio.sleep(0.3)
        stalled.append(trio.current_time())
        await receiver.serve(stream)

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, stall, listeners)
        receiver.port = listeners[0].socket.getsockname()[1]
        result = await driver.played(receiver, count=100, ratePerSecond=200, connections=1)
        nursery.cancel_scope.cancel()
    # About 60 of 100 were due during the stall of 300 ms; closed-loop latency would show one.
    assert len(stalled) == 1
    assert result["latencyMs"]["p50"] > 10
    assert result["progress"]["elapsedMs"] >= 490


async def test_bursts_go_unpaced(driver: Any, receiver: Any) -> None:
    """interface.md 10: a burst's webhooks all go at its beginning."""
    # At its pace the last of them would go after 3.98 s; the second hundred is due after 2 s.
    paced = {"count": 200, "ratePerSecond": 50}
    burst = await driver.played(receiver, mix={"burst": 1}, **paced)
    assert 1990 <= burst["progress"]["elapsedMs"] < 3980


@pytest.mark.parametrize(
    "fault", ["duplicate", "reorder", "late", "forged", "wrong_clock", "replay"]
)
async def test_faults_of_the_sending_side(driver: Any, receiver: Any, fault: str) -> None:
    """interface.md 10: with each fault at work the accounts still agree with the receiver's."""
    await driver.put_faults({"party": "seed", "fault": fault, "probability": 0.2})
    mix = {"partner": 0.9, "duplicate": 0.05, "forged": 0, "late": 0, "refund": 0.05}
    result = await driver.played(receiver, count=600, mix=mix)
    assert result["surprises"] == {}
    assert _held(result["expected"]) == _held(result["acknowledged"]) == receiver.points()
    (row,) = (await driver.client.get("/control/faults")).json()["faults"]
    assert 80 < row["fired"] < 160
    refused = result["byCode"].get("WEBHOOK_SIGNATURE_INVALID", 0) + result["byCode"].get(
        "WEBHOOK_TIMESTAMP_EXPIRED", 0
    )
    if fault in {"late", "forged", "wrong_clock"}:
        # A changed duplicate of a webhook that was refused for its fault is not sent at all.
        assert row["fired"] - result["skipped"] <= refused <= row["fired"]
    else:
        assert refused == 0
    if fault in {"duplicate", "replay"}:
        assert result["sent"] > 600


async def test_late_within_the_window_is_taken(driver: Any, receiver: Any) -> None:
    """X16: a timestamp that is off by less than the window changes nothing."""
    await driver.put_faults({"party": "seed", "fault": "late", "ms": 200_000})
    result = await driver.played(receiver, mix={"forged": 0, "late": 0})
    assert result["surprises"] == {}
    assert _held(result["acknowledged"]) == receiver.points() != {}


async def test_runs_are_bounded_and_reset_ends_them(driver: Any, receiver: Any) -> None:
    """design.md 5: a fifth run at once is refused; a reset ends all and forgets them."""
    for _ in range(4):
        await driver.run(receiver, ratePerSecond=1)
    request = {
        "target": receiver.url,
        "secret": "s",
        "count": 1,
        "partnersCsv": "id,name,rate_bp\na,Zorblax,1\n",
        "connectionsCsv": "connection_id,user_id\nc,u\n",
    }
    refused = await driver.client.post("/control/runs", json=request)
    assert (refused.status_code, refused.json()["code"]) == (409, "RUN_IN_PROGRESS")
    listed = (await driver.client.get("/control/runs")).json()["items"]
    assert [run["runId"] for run in listed] == ["run_4", "run_3", "run_2", "run_1"]
    assert (await driver.client.get("/control/runs/run_1")).json()["status"] == "running"
    await driver.client.post("/control/reset")
    assert (await driver.client.get("/control/runs/run_1")).status_code == 404
    assert (await driver.client.post("/control/runs", json=request)).json() == {"runId": "run_1"}


async def test_ended_runs_are_forgotten_one_by_one(driver: Any, receiver: Any) -> None:
    """design.md 5: of the ended runs the last sixty-four are kept."""
    for _ in range(66):
        await driver.played(receiver, count=1, connections=1)
    assert (await driver.client.get("/control/runs/run_2")).status_code == 404
    assert (await driver.client.get("/control/runs/run_3")).json()["status"] == "done"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"mix": {"partnr": 1}}, "/mix/partnr"),
        ({"mix": {"forged": 2}}, "/mix/forged"),
        ({"count": 0}, "/count"),
        ({"startAt": "yesterday"}, "/startAt"),
        ({"ratePerSecond": 0}, "/ratePerSecond"),
        ({"seed": "a b"}, "/seed"),
        ({"secret": ""}, "/secret"),
        ({"connectionsCsv": "/nowhere"}, "/connectionsCsv"),
    ],
)
async def test_requests_refused(
    driver: Any, receiver: Any, fields: dict[str, Any], pointer: str
) -> None:
    """A request for a run that is not of the form is refused at its place."""
    request = {
        "target": receiver.url,
        "secret": "s",
        "count": 1,
        "partnersCsv": "id,name,rate_bp\na,Zorblax,1\n",
        "connectionsCsv": "connection_id,user_id\nc,u\n",
        **fields,
    }
    answer = await driver.client.post("/control/runs", json=request)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
