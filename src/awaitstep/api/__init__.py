"""The REST API: FastAPI, one resource per file."""

from awaitstep.api.application import create_api

__all__ = ["create_api"]
