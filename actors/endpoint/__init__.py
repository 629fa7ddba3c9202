"""Who is told by webhook: one actor per address, which goes through the feed at its own pace."""
