"""The authorization server's endpoints that programs speak to: tokens for grants, and their end.

`token` is the endpoint, `grants` the registry of what it takes: one function for each `grant_type`, in a
module of its own. `requests` reads what clients send, `answers` says what they hear, errors included.
"""
