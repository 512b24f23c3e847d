"""Cloudflare as a place to deploy to: its API v4 and nothing else of its tools."""

from awaitstep.providers.cloudflare.client import ADDRESS
from awaitstep.providers.cloudflare.connections import StoredPlaces
from awaitstep.providers.cloudflare.packages import install_for_cloudflare, pyodide
from awaitstep.providers.cloudflare.provider import CloudflareProvider
from awaitstep.providers.cloudflare.runs import CloudflareRuns

__all__ = [
    "ADDRESS",
    "CloudflareProvider",
    "CloudflareRuns",
    "StoredPlaces",
    "install_for_cloudflare",
    "pyodide",
]
