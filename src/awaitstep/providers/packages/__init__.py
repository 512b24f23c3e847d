"""The packages that modules declare: installed by uv, kept in folders."""

from awaitstep.providers.packages.environments import Environments

__all__ = ["Environments"]
