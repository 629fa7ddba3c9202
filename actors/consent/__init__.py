"""What a person lets programs of others do: one actor each, keyed as the person's own (X15)."""
