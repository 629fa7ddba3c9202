"""The signature of a contract: made, sent, signed by its client or not, and kept (S28)."""
