"""Worker URLs: an ASGI application that hands requests to deployed workers.

It owns the public addresses and what may pass through them. It knows the `Workers` port and a
`Directory` that says which deployment an address belongs to; it never asks a database.
"""

from awaitstep.gateway.asgi import Gateway
from awaitstep.gateway.cookies import SECURE_SESSION_COOKIE, SESSION_COOKIE
from awaitstep.gateway.directory import Directory

__all__ = ["SECURE_SESSION_COOKIE", "SESSION_COOKIE", "Directory", "Gateway"]
