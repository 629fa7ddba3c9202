"""Who a bearer of a token is: JWT access tokens verified, our own ones signed, a provider's keys kept.

The way of a token, one module a step: `compact` takes its three parts apart and judges the header,
`keys` (with `weakness`) has the public keys that may verify, `tokens` has the signature computed, `claims`
holds what is claimed to what is expected, `authenticator` does all that for a request.

Beside it: `signing` (our own keys), `issuing` and `issued` (tokens of ours, and the record of those made by
hand), `documents` (what others read of us), `provider` with `fetching` (the keys of an external OpenID
provider), `opening` (all of it from the settings), `checks` (`comptoir check jwt`, `jwk`). What is refused
is refused by a word of `refused`.
"""
