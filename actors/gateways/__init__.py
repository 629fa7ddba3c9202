"""One module per outside party, each a gateway's operations (design.md 6)."""
