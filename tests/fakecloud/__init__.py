"""A Cloudflare of our own to test against: its API v4 on loopback, refusing what the real one does."""
