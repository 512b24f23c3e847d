"""Writes the OpenAPI document, of which the types of the dashboard are made, beside this file."""

import json
from pathlib import Path

from awaitstep.api.application import openapi

Path(__file__).with_name("openapi.json").write_text(json.dumps(openapi()))
