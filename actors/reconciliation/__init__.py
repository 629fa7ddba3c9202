"""The comparison of what we think was paid with what whoever paid says: one actor per source that says it."""
