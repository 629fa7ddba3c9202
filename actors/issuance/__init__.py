"""The record of access tokens that were made by hand, in the audit log."""
