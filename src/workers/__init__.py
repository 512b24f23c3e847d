"""The API of Cloudflare's Python Workers for CPython.

A module written for `workers` runs here and on Cloudflare alike. This package knows nothing
of the runtime it runs in: that one installs a backend (`workers.backend`).
"""

from workers._fetch import fetch
from workers.blob import Blob, BlobEnding, BlobValue, File
from workers.context import Context, CurrentEnv, wait_until
from workers.entrypoints import WorkerEntrypoint, WorkflowEntrypoint
from workers.formdata import FormData, FormDataValue
from workers.request import Request
from workers.response import FetchResponse, Response
from workers.types import Body, FetchKwargs, Headers

env = CurrentEnv()
waitUntil = wait_until

__all__ = [
    "Blob",
    "BlobEnding",
    "BlobValue",
    "Body",
    "Context",
    "FetchKwargs",
    "FetchResponse",
    "File",
    "FormData",
    "FormDataValue",
    "Headers",
    "Request",
    "Response",
    "WorkerEntrypoint",
    "WorkflowEntrypoint",
    "env",
    "fetch",
    "waitUntil",
    "wait_until",
]
