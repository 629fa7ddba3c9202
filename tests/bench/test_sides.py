"""What is measured as ours is the daemon as it is sold: accounts, limits, a key for each person (issue 5).

Source: bench/sides.py, bench/guard.py; docs/performance.md, "The guard".
"""

import pytest

from bench.sides import OURS, Crowd, open_sides


def test_the_daemon_that_is_measured_is_guarded() -> None:
    """S34, S35, S62: after a load it is seen that limits count, tokens are wanted, and each wallet is sealed under
    its person's key; with one of them off the bench fails, and measures nothing.
    """
    with open_sides((OURS,), Crowd(users=3, partners=2)) as [side]:
        with pytest.raises(AssertionError, match="nothing was sealed"):
            side.check_guarded()
        side.slice(6, 2)
        side.check()
        for name, value, told in (
            ("COMPTOIR_HTTP__RATE_LIMITS", "off", "limits are off"),
            ("COMPTOIR_AUTH__MODE", "loopback", "accounts are off"),
        ):
            side.process.stop()
            before = side.process.env.get(name)
            side.process.env[name] = value
            side.process.start()
            with pytest.raises(AssertionError, match=told):
                side.check_guarded()
            assert before is not None
            side.process.env[name] = before
