"""What a document shows: its machine readable zone, what its file is, what stands on it, and whether that is so."""
