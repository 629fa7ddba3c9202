"""The service clients: programs with scopes and a secret of their own (X7)."""
