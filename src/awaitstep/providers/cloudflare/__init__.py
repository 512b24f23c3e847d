"""Cloudflare as a place to deploy to: its API v4 and nothing else of its tools."""

from awaitstep.providers.cloudflare.client import ADDRESS
from awaitstep.providers.cloudflare.connections import StoredPlaces
from awaitstep.providers.cloudflare.differences import differences_of
from awaitstep.providers.cloudflare.files import SdkMissing, parts_of
from awaitstep.providers.cloudflare.http import LateHttp
from awaitstep.providers.cloudflare.packages import install_for_cloudflare, pyodide
from awaitstep.providers.cloudflare.provider import CloudflareProvider
from awaitstep.providers.cloudflare.runs import CloudflareRuns

__all__ = [
    "ADDRESS",
    "CloudflareProvider",
    "CloudflareRuns",
    "LateHttp",
    "SdkMissing",
    "StoredPlaces",
    "differences_of",
    "install_for_cloudflare",
    "parts_of",
    "pyodide",
]
