"""Settings turned into the bounds that the engine is given."""

from comptoir.engine.gateway_spec import GatewayBounds
from comptoir.engine.parts import EngineBounds
from comptoir.engine.settings import Breaker, Provider, Settings
from comptoir.engine.spec import Bounds, BreakerBounds, Intensity

__all__ = ["actor_bounds", "engine_bounds", "gateway_bounds", "mail_carriers"]


def _breaker(breaker: Breaker) -> BreakerBounds:
    return BreakerBounds(
        breaker.errors, round(breaker.window_s * 1000), round(breaker.recovery_s * 1000)
    )


def actor_bounds(settings: Settings) -> Bounds:
    """The bulkhead of each kind of actor."""
    engine = settings.engine
    return Bounds(
        mailbox_max=engine.mailbox_messages_max,
        run_max=engine.run_messages_max,
        resident_max=engine.resident_actors_max,
        idle_ms=round(engine.idle_s * 1000),
        intensity=Intensity(engine.restart_intensity, round(engine.restart_period_s * 1000)),
        breaker=_breaker(settings.breakers.points),
    )


def gateway_bounds(settings: Settings, party: Provider, breaker: Breaker) -> GatewayBounds:
    """The bulkhead of one outside party."""
    retry = settings.retry
    delays = [round(delay * 1000) for delay in retry.delays_s]
    delays += [delays[-1]] * max(0, retry.retries_max - len(delays))
    return GatewayBounds(
        deadline_s=party.timeout_s,
        calls_max=party.calls_in_flight_max,
        retry_delays_ms=tuple(delays[: retry.retries_max]),
        breaker=_breaker(breaker),
        release_per_s=float(breaker.release_per_second_max),
    )


def mail_carriers(settings: Settings) -> tuple[str, ...]:
    """Names of those providers that carry our mail, the first choice first."""
    order = dict.fromkeys(settings.notifications.mail_order)
    return tuple(name for name in order if getattr(settings.providers, name).base_url)


def engine_bounds(settings: Settings) -> EngineBounds:
    """What the engine as a whole may hold."""
    engine = settings.engine
    return EngineBounds(
        ask_timeout_s=engine.ask_timeout_s,
        start_timeout_s=settings.storage.start_timeout_s,
        stop_timeout_s=engine.stop_timeout_s,
        sweep_s=engine.sweep_interval_s,
        sweep_rows_max=engine.sweep_rows_max,
        pending_rows_max=engine.pending_rows_max,
    )
