"""The daemon in the foreground: signals, and the one line on standard output (interface.md 2)."""

import os
import signal
import sys
from importlib.metadata import version

import orjson
import structlog
import trio

from comptoir.engine.boot.daemon import Daemon
from comptoir.engine.boot.routines import reload_lists
from comptoir.engine.settings import Settings, check_start
from comptoir.engine.telemetry import configure_logging

__all__ = ["serve"]

log = structlog.get_logger("comptoir.boot")


def ready_line(daemon: Daemon) -> bytes:
    """The one line on standard output (interface.md 2)."""
    return orjson.dumps(
        {
            "event": "ready",
            "pid": os.getpid(),
            "version": version("comptoir"),
            "http": daemon.http.url if daemon.http is not None else None,
            "ingest": daemon.ingest.url if daemon.ingest is not None else None,
            "database": daemon.database,
            "bootMs": round((trio.current_time() - daemon.began) * 1000),
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


async def serve(settings: Settings, *, demo: bool = False) -> None:
    """The daemon in the foreground until it is told to stop (SIGTERM, SIGINT).

    Raises:
        Exception: see `failure_of` for what each means to the caller of the program.
    """
    check_start(settings, demo)
    configure_logging(settings.log.format, settings.log.level)
    async with trio.open_nursery() as nursery:
        told, serving, start = trio.Event(), trio.Event(), trio.CancelScope()
        # The start has a scope of its own: whoever hears the signals must outlive it, or a second
        # signal while a start is being abandoned would find Python's own handlers.
        await nursery.start(_stop_on_signal, told, serving, start)
        with start:
            async with Daemon(settings).open() as daemon:
                if len(daemon.certificates) or settings.screening.lists:
                    await nursery.start(_renew_on_signal, daemon)
                sys.stdout.buffer.write(ready_line(daemon))
                sys.stdout.buffer.flush()
                serving.set()
                await told.wait()
        nursery.cancel_scope.cancel()


async def _renew_on_signal(
    daemon: Daemon, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """SIGHUP: read certificates and watch lists again. Where there are none it ends the daemon, as it did."""
    with trio.open_signal_receiver(signal.SIGHUP) as signals:
        task_status.started()
        async for _ in signals:
            daemon.certificates.reload()
            if daemon.engine is not None:
                await reload_lists(daemon.engine, daemon.settings)


async def _stop_on_signal(
    told: trio.Event,
    serving: trio.Event,
    start: trio.CancelScope,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """First signal: stop gracefully; second: end at once, which is safe (the SIGKILL path).

    A daemon that serves is told, so that the requests at work are answered; a start is abandoned.
    """
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for number in signals:
            log.info("stopping", signal=signal.Signals(number).name)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            told.set()
            if not serving.is_set():
                start.cancel()
            # Stays inside the receiver, which would put the earlier handlers back.
            await trio.sleep_forever()
