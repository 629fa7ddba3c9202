"""SEPA's files: the order that a bank is given, and what it says of it. No machine: pure functions over text."""
