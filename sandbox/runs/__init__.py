"""Runs: seeded traffic from the bank aggregator, with the account of what it must have earned.

Rule: what is sent is a function of the request alone (its seed above all); what was earned is
counted twice, once from what was sent and once from what was acknowledged.

Source: interface.md 10 (`POST /control/runs`); spec S56, X16, X17, X19, X32.
"""
