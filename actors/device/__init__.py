"""An installation of the app: one actor per push token, keyed by a digest of it, which says whose it is."""
