"""An authorization code: one actor per code, keyed by the code's digest."""
