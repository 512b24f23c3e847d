"""Cloudflare as a place to deploy to: its API v4 and nothing else of its tools."""

from awaitstep.providers.cloudflare.provider import CloudflareProvider

__all__ = ["CloudflareProvider"]
