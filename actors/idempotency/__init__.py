"""Requests under an Idempotency-Key: one actor per caller remembers which run, and what they ended in."""
