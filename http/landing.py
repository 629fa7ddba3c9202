"""The page at `/`: what this is and where to go. One file, no outside asset, no script.

The rule: the policy allows exactly the style that is on the page, by its hash, and nothing else.
Source: interface.md 5; W3C Content Security Policy 3.
"""

import base64
import hashlib

from comptoir.http.answers import Response, response

__all__ = ["landing"]

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:4rem auto;padding:0 1rem;"
    "color:#1c2430;background:#fbfaf7}h1{font-size:1.6rem;margin:0}p.lead{color:#556}"
    "a{color:#0b57a4}dt{font-weight:600;margin-top:1rem}dd{margin:0}code{background:#eeebe3;"
    "padding:.1rem .3rem;border-radius:.2rem}@media(prefers-color-scheme:dark){body{color:#e6e3da;"
    "background:#171a1f}p.lead{color:#aab}a{color:#7db4ea}code{background:#262b33}}"
)
_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>comptoir</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>comptoir</h1>
<p class="lead">One daemon for client onboarding and open-banking cashback. It is running.</p>
<dl>
<dt><a href="/health/ready">/health/ready</a></dt>
<dd>whether it takes work, and what is missing if not</dd>
<dt><a href="/health/live">/health/live</a></dt>
<dd>whether it is alive</dd>
<dt><a href="/metrics">/metrics</a></dt>
<dd>its figures, for Prometheus</dd>
<dt><code>POST /webhooks/banking</code></dt>
<dd>signed webhooks of the bank aggregator</dd>
<dt><code>GET /api/v1/wallets/{{userId}}</code>, <code>/entries</code></dt>
<dd>a user's points and their history</dd>
<dt><code>GET /api/v1/transactions/{{transactionId}}</code></dt>
<dd>what became of a card purchase, and why</dd>
</dl>
<p>The documentation is in the project's <code>docs/</code> folder; <code>comptoir --help</code>
lists the commands.</p>
</body>
</html>
""".encode()
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest())
_POLICY = b"default-src 'none'; style-src 'sha256-" + _HASH + b"'; frame-ancestors 'none'"


def landing(ticket: str) -> Response:
    """The page."""
    answer = response(200, b"text/html; charset=utf-8", _PAGE, ticket)
    headers = [pair for pair in answer.headers if pair[0] != b"content-security-policy"]
    headers.append((b"content-security-policy", _POLICY))
    return answer._replace(headers=headers)
