"""A client's invitation to the portal: one actor per onboarding file, keyed by its number."""
