"""How many consents end in one week, and what became of them: one actor per ISO week, keyed by its Monday."""
