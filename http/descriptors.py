"""File descriptors: how many there are, and how many of them connections may take.

The rule: the edge never takes the last descriptor. What the database, the outside parties and the
embedded server's own programs need is set aside before the first connection is accepted, because a
daemon that can still accept but no longer reach its database refuses everything it was there for.
Source: design.md 5 (bulkheads; nothing is unbounded); setrlimit(2).
"""

import resource
from typing import Final, NamedTuple

import structlog

from comptoir.engine.settings import Settings

__all__ = ["CONNECTIONS_MIN", "DescriptorsTooFew", "Shares", "reserve_descriptors"]

OWN_DESCRIPTORS: Final = 28
"""14 were counted at rest, of them the readers that are added below; 8 are for connections that are
being refused, by either listener. The rest is for psql and its pipes while the embedded server is started again."""
CONNECTIONS_MIN: Final = 8
"""Of each listener: with fewer, a few idle callers would shut out everybody else."""

_log = structlog.stdlib.get_logger("comptoir.http.descriptors")


class DescriptorsTooFew(Exception):
    """The process may open too few files: a stable code, a text, a remedy, an exit status."""

    code = "DESCRIPTORS_TOO_FEW"
    exit_status = 2

    def __init__(self, allowed: int, needed: int) -> None:
        """Name the limit, and what to raise it to."""
        self.text = f"this process may open {allowed} files, and the daemon needs {needed} at least"
        self.remedy = f"raise the limit: ulimit -n {needed} (better 4096), or LimitNOFILE="
        super().__init__(f"{self.code}: {self.text}: {self.remedy}")


class Shares(NamedTuple):
    """How many connections each listener may hold."""

    http: int
    ingest: int
    """0 where the lane is not opened."""


def reserve_descriptors(settings: Settings, http_wanted: int) -> Shares:
    """Raise the soft limit as far as it is allowed and needed, and share the descriptors out.

    Asking again gives the same.

    Args:
        settings: whose connections to others are set aside.
        http_wanted: what hypercorn's edge would hold at most if there were no limit; what the lane
            would is a setting.

    Raises:
        DescriptorsTooFew: not even `CONNECTIONS_MIN` for each.
    """
    others = OWN_DESCRIPTORS + settings.storage.pool_connections_max
    providers = settings.providers
    for party in (providers.fcm, providers.sendgrid, providers.brevo, providers.twilio):
        if party.base_url:
            others += party.calls_in_flight_max
    ingest = settings.ingest
    ingest_wanted = ingest.connections_max if ingest.enabled else 0
    others += 1 if ingest.enabled else 0  # the lane's listening socket
    wanted = http_wanted + ingest_wanted
    least = min(CONNECTIONS_MIN, http_wanted) + min(CONNECTIONS_MIN, ingest_wanted)
    allowed = _raise_soft_limit(others + wanted)
    if allowed < others + least:
        raise DescriptorsTooFew(allowed, others + least)
    connections = min(wanted, allowed - others)
    if connections < wanted:
        _log.warning("few_descriptors", allowed=allowed, connections_max=connections)
    spare = connections - least
    http_share = min(CONNECTIONS_MIN, http_wanted)
    if wanted > least:
        http_share += spare * (http_wanted - http_share) // (wanted - least)
    return Shares(http_share, connections - http_share)


def _raise_soft_limit(wanted: int) -> int:
    """The soft limit after it was raised to what is wanted, or to the hard one if that is less.

    No further: PostgreSQL inherits it, and whatever walks through all descriptors walks longer.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if target > soft:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
        except (OSError, ValueError) as error:  # a system whose true bound is below the hard limit
            _log.warning("descriptors_not_raised", wanted=target, reason=type(error).__name__)
            return soft
        _log.info("descriptors_raised", before=soft, now=target)
    return target
