"""The file of a client: from its beginning to its documents."""
