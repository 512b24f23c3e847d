"""The embedded engine of this server as a place to deploy to."""

from awaitstep.providers.local.bundles import LocalBundles
from awaitstep.providers.local.provider import LocalProvider

__all__ = ["LocalBundles", "LocalProvider"]
