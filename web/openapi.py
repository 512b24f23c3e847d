"""Writes the OpenAPI document, of which the types of the dashboard are made, beside this file."""

import json
from pathlib import Path

from awaitstep.api.application import openapi
from awaitstep.api.origins import Origins
from awaitstep.gateway.cookies import SESSION_COOKIE

document = openapi(Origins("http://127.0.0.1:8080", SESSION_COOKIE))
Path(__file__).with_name("openapi.json").write_text(json.dumps(document))
