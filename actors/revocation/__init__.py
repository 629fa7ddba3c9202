"""What access tokens are good for nothing before their time: one actor, small, read on every request."""
