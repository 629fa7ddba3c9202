"""The sandbox: a separate program that plays every outside party of the daemon.

Rule: it knows the parties' message formats and nothing of the daemon. It imports no other room, so
what it computes (signatures, matches, points) is a second opinion, not an echo.

Source: design.md 1 and 6; interface.md 10.
"""
