"""A ceremony of WebAuthn, under way in one browser: one actor each, keyed by its cookie's digest."""
