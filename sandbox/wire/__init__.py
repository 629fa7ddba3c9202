"""HTTP/1.1 as the sandbox speaks it: a small server, a fast client, and a route table.

Rule: both ends can do on purpose what a library prevents: close without an answer, stay silent,
send the same header twice.

Source: RFC 9112 (HTTP/1.1 message syntax); interface.md 10.
"""
