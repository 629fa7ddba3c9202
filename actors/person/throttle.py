"""Who has to wait before they are asked for a password again: guessing is slow, and locks nobody else out.

Rules:
- a passkey's answer cannot be guessed, so nobody who shows a right one waits, whoever else has failed;
- failures count for where they come from: a browser in which the person has signed in before, known by its
  cookie, else an address; each waits for its own, longer each time, up to an hour;
- strangers (all but known browsers) share a budget as well: so many failures, and one more each hour. Whoever
  has many addresses can use it up, and keeps out other strangers for a while, never a known browser;
- so many places are remembered and no more: beyond, the one that failed longest ago is forgotten, which the
  budget of strangers bears.

So in the long run strangers have 24 guesses a day at one person, 1 in 14,000 (three passwords of a million).
Source: OWASP ASVS 5, 6.1.1 and 6.3.1; OWASP Authentication cheat sheet and "device cookies"; NIST SP 800-63B
section 3.2.2; spec.md S34.
"""

from typing import Final

import msgspec

from comptoir.actors.person.messages import Whence

__all__ = [
    "BROWSERS_MAX",
    "BROWSER_MS",
    "FREE_FAILURES",
    "PLACES_MAX",
    "STRANGERS_FAILURES",
    "STRANGERS_MS",
    "WAIT_MS_MAX",
    "Budget",
    "KnownBrowser",
    "Place",
    "Throttle",
]

FREE_FAILURES: Final = 5
"""A thumb that slips, and a clock that is off, before anybody has to wait."""
FIRST_WAIT_MS: Final = 30_000
"""A step: the next password is another one anyway. It doubles with each failure."""
WAIT_MS_MAX: Final = 3_600_000
DOUBLINGS_MAX: Final = 7
"""Beyond, the longest wait is reached."""
PLACES_MAX: Final = 16
"""Places that failed, remembered of one person; a hundred bytes each."""
BROWSERS_MAX: Final = 8
BROWSER_MS: Final = 180 * 86_400_000
"""Since it was last used to sign in."""
STRANGERS_FAILURES: Final = 20
"""That strangers have at once."""
STRANGERS_MS: Final = WAIT_MS_MAX
"""After which they have one more."""


class Place(msgspec.Struct, frozen=True):
    """Where failures came from."""

    name: str
    """Digest of a browser's cookie or of an address."""
    failures: int
    """Since the last success."""
    asked_again_at: int
    """Business time, ms since 1970, before which nobody is asked there."""


class KnownBrowser(msgspec.Struct, frozen=True):
    """A browser in which the person has signed in."""

    name: str
    """Digest of its cookie."""
    used_at: int
    """Business time, ms since 1970."""


class Budget(msgspec.Struct, frozen=True):
    """Of all strangers together: full at `full_at`, and empty `STRANGERS_FAILURES` hours before that."""

    full_at: int = 0
    """Business time, ms since 1970."""

    def is_spent(self, now: int) -> bool:
        """Whether they have no failure left."""
        return self.full_at - now > (STRANGERS_FAILURES - 1) * STRANGERS_MS

    def spend(self, now: int) -> "Budget":
        """One failure."""
        return Budget(max(self.full_at, now) + STRANGERS_MS)


class Throttle(msgspec.Struct, frozen=True):
    """What is remembered of failures at one person."""

    places: tuple[Place, ...] = ()
    """The one that failed longest ago first."""
    browsers: tuple[KnownBrowser, ...] = ()
    """The one that was used longest ago first."""
    strangers: Budget = Budget()

    def knows(self, browser: str, now: int) -> bool:
        """Whether the person has signed in with this browser lately."""
        return bool(browser) and any(
            one.name == browser and now - one.used_at < BROWSER_MS for one in self.browsers
        )

    def waits(self, whence: Whence, now: int) -> bool:
        """Whether nobody is asked there just now."""
        known = self.knows(whence.browser, now)
        place = self._place(whence.browser if known else whence.source)
        if place is not None and now < place.asked_again_at:
            return True
        return not known and self.strangers.is_spent(now)

    def guess(self, whence: Whence, now: int) -> "Throttle":
        """After a wrong password: of a stranger it is one of all strangers' failures as well."""
        failed = self.fail(whence, now)
        if self.knows(whence.browser, now):
            return failed
        return msgspec.structs.replace(failed, strangers=self.strangers.spend(now))

    def fail(self, whence: Whence, now: int) -> "Throttle":
        """After any failure."""
        name = whence.browser if self.knows(whence.browser, now) else whence.source
        before = self._place(name)
        failures = (before.failures if before else 0) + 1
        failed = Place(name, failures, now + _wait_ms(failures))
        others = tuple(one for one in self.places if one.name != name)
        return msgspec.structs.replace(self, places=(*others, failed)[-PLACES_MAX:])

    def succeed(self, whence: Whence, now: int) -> "Throttle":
        """After it was them: the place has no failures, and its browser is known from now on."""
        known = self.knows(whence.browser, now)
        name = whence.browser if known else whence.next_browser
        names = {whence.browser, whence.source} if known else {whence.source}
        places = tuple(one for one in self.places if one.name not in names)
        if not name:
            return Throttle(places, self.browsers, self.strangers)
        others = tuple(one for one in self.browsers if one.name != name)
        browsers = (*others, KnownBrowser(name, now))[-BROWSERS_MAX:]
        return Throttle(places, browsers, self.strangers)

    def _place(self, name: str) -> Place | None:
        return next((one for one in self.places if one.name == name), None)


def _wait_ms(failures: int) -> int:
    """For how long nobody is asked after so many failures in a row."""
    over = failures - FREE_FAILURES
    return 0 if over < 0 else min(WAIT_MS_MAX, FIRST_WAIT_MS << min(over, DOUBLINGS_MAX))
