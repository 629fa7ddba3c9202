"""The outside parties, one module each.

Rule: a party states its operations; faults, the record of calls and the routes come from the one
mechanism in `comptoir.sandbox.parties.party`, so that every party can fail in the same ways.

Source: interface.md 10; design.md 6.
"""
