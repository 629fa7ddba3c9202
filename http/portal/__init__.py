"""How a client gets in: a link by mail, a code on another way, a session in a browser.

`inviting` is the advisor's side; `entering` the steps of a client, as they are asked of the actors;
`session` shows them as JSON, `pages` to people, with `words` in French and English.
"""
