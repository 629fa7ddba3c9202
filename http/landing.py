"""The page at `/`: what this is and where to go.

The rule: it leads on to what a person or a program may ask, and says nothing of the state inside.
Source: interface.md 5.
"""

from comptoir.http.answers import Response
from comptoir.http.operation import Call
from comptoir.http.page import page
from comptoir.http.port import Port

__all__ = ["landing"]

_CONTENT = """\
<h1>comptoir</h1>
<p class="lead">One daemon for client onboarding and open-banking cashback. It is running.</p>
<dl>
<dt><a href="/docs">/docs</a></dt>
<dd>every operation, for people; <a href="/api/v1/openapi.json">/api/v1/openapi.json</a> for programs</dd>
<dt><a href="/health/ready">/health/ready</a></dt>
<dd>whether it takes work, and what is missing if not</dd>
<dt><a href="/health/live">/health/live</a></dt>
<dd>whether it is alive</dd>
<dt><a href="/metrics">/metrics</a></dt>
<dd>its figures, for Prometheus on this machine</dd>
<dt><code>POST /webhooks/banking</code></dt>
<dd>signed webhooks of the bank aggregator</dd>
<dt><code>GET /api/v1/wallets/{userId}</code>, <code>/entries</code></dt>
<dd>a user's points and their history</dd>
<dt><code>GET /api/v1/transactions/{transactionId}</code></dt>
<dd>what became of a card purchase, and why</dd>
</dl>
{access}
<p>The documentation is in the project's <code>docs/</code> folder; <code>comptoir --help</code>
lists the commands.</p>"""


_ACCOUNTS = """\
<h2>How to get in</h2>
<p>Wallets and transactions are shown to who may see them, and that is said by an access token:
<code>Authorization: Bearer &hellip;</code>.</p>
<dl>
<dt>A person of the house</dt>
<dd><a href="/signin">/signin</a>, once enrolled by the link of <code>comptoir staff add SUB --role
COMPLIANCE</code></dd>
<dt>A program of people's</dt>
<dd>named in <code>auth.clients</code>, it sends them to
<a href="/.well-known/openid-configuration">/oauth/authorize</a> and exchanges the code for a token</dd>
<dt>A partner's or a service's program</dt>
<dd><code>comptoir client add NAME --scope partner:submit</code> gives the credentials for
<code>POST /oauth/token</code></dd>
<dt>A developer, on this machine</dt>
<dd><code>comptoir token --sub USER --role CLIENT</code> prints a token</dd>
</dl>"""
_NO_ACCOUNTS = """\
<h2>How to get in</h2>
<p>This daemon has no accounts (<code>auth.mode = loopback</code>): whoever is on this machine may ask for
everything, and nobody else for anything.</p>"""


async def landing(port: Port, call: Call) -> Response:
    """GET /."""
    access = _NO_ACCOUNTS if port.identity is None else _ACCOUNTS
    return page("comptoir", _CONTENT.replace("{access}", access), call.ticket)
