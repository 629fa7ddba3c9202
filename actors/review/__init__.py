"""Reviews of clients that a rule holds: who looks, until when, and what they say (S7, S11, S23, X5)."""
