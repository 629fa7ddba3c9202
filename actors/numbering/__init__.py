"""Public numbers: one actor per series, which gives each once (S56)."""
