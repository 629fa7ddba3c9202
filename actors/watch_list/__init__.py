"""A watch list: which version is searched, and who was searched again since it came."""
