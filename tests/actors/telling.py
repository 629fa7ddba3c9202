"""Samples of the feed and of endpoints, and of what may be said to them."""

import msgspec

from comptoir.actors.endpoint.messages import (
    ChangeEndpoint,
    CloseEndpoint,
    DeliveryEnded,
    DescribeEndpoint,
    FeedGrew,
    ListAttempts,
    OpenEndpoint,
    PingEndpoint,
    ReplayEvents,
    RetryDue,
    RotateSecret,
)
from comptoir.actors.endpoint.state import EndpointState, Key, Phase
from comptoir.actors.feed.machine import FeedState
from comptoir.actors.feed.machine import Phase as FeedPhase
from comptoir.actors.feed.messages import (
    AddEndpoint,
    DescribeFeed,
    DropEndpoint,
    EndpointTerms,
    Found,
    ListEndpoints,
    NotePublic,
)
from comptoir.actors.gateways.messages import NoticeRefused, NoticeTaken
from comptoir.engine.values import Message, State
from tests.actors.purchases import NOW

__all__ = ["ENDPOINTS", "FEEDS", "FOUND", "SECRET", "TERMS"]

TERMS = EndpointTerms("https://hub.example/events", ("ACCOUNT_CREATED",), "hub", "hub@example.org")
SECRET = "whsec_" + "A" * 44
FOUND = Found(7, "ACCOUNT_CREATED", "ONB-2026-00001", NOW, "cl_1")
_FEED = FeedState(FeedPhase.OPEN, 3, 5, {"we_1": ""})
FEEDS: tuple[tuple[State, Message], ...] = tuple(
    (state, message)
    for state in (FeedState(FeedPhase.OPEN), _FEED)
    for message in (
        NotePublic(5, 9, (FOUND,)), NotePublic(0, 4, ()), DescribeFeed(), ListEndpoints(),
        AddEndpoint("we_2", "cl_1", TERMS, SECRET), DropEndpoint("we_1"),
    )
)  # fmt: skip

_IDLE = EndpointState(
    Phase.IDLE, "", TERMS, (Key(SECRET),), NOW - 9, cursor=3, known=3, serial=4
)  # fmt: skip
_OF = msgspec.structs.replace
_SENDING = _OF(_IDLE, phase=Phase.SENDING, known=5, job="event")
_WAITING = _OF(
    _IDLE, phase=Phase.WAITING, known=5, tries=1, failing_since=NOW - 5, retry_at=NOW + 5
)
_PASSED = _OF(_WAITING, cursor=5)
_OFF = _OF(_IDLE, phase=Phase.DISABLED, cause="failing", known=5)
_QUIET = _OF(_OFF, known=3)
_STATES = (
    EndpointState(Phase.NONE), _IDLE, _SENDING, _OF(_SENDING, known=4), _OF(_SENDING, failing_since=1),
    _WAITING, _PASSED, _OFF, _QUIET, _OF(_OFF, job="event"), EndpointState(Phase.CLOSED),
)  # fmt: skip
_SAID: tuple[Message, ...] = (
    OpenEndpoint("", TERMS, SECRET, 3), FeedGrew(3), FeedGrew(6), RetryDue(), RotateSecret("whsec_B"),
    DeliveryEnded(4, "delivered", 4, "evt_1", 200), DeliveryEnded(3, "delivered", 4, "evt_1", 200),
    DeliveryEnded(4, "nothing", 5), DeliveryEnded(4, "gone", 4, "evt_1", 410, "HTTP_410"),
    DeliveryEnded(4, "failed", 4, "evt_1", 500, "HTTP_500"),
    ChangeEndpoint(description="other"), ChangeEndpoint(enabled=False), ChangeEndpoint(enabled=True),
    ChangeEndpoint(url="https://hub.example/2"), ReplayEvents(after=5), ReplayEvents(after=1),
    ReplayEvents(position=2), PingEndpoint("ping_1"), CloseEndpoint(), DescribeEndpoint(), ListAttempts(),
    NoticeTaken("r"), NoticeRefused("r", "X"),
)  # fmt: skip
ENDPOINTS: tuple[tuple[State, Message], ...] = tuple(
    (state, message) for state in _STATES for message in _SAID
)
