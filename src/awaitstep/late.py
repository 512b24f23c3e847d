"""The language of a server that answers before it has loaded it.

Starting runs needs no graph; loading language, compiler and node types would hold up each start by
a seventh.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from awaitstep.app.language import Adopted, Compiled, Finding, Language, VariableUse


class LateLanguage:
    """`awaitstep.app.language.Language`: whoever calls it too early waits in their own thread."""

    def __init__(self, load: Callable[[], Language]) -> None:
        self._load = load
        self._loading = threading.Lock()
        self._loaded: Language | None = None

    def loaded(self) -> Language:
        """Load it, unless that is done."""
        with self._loading:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def validate(self, ir: Mapping[str, Any]) -> Sequence[Finding]:
        return self.loaded().validate(ir)

    def adopt(self, ir: Mapping[str, Any], entry_code: str | None) -> Adopted:
        return self.loaded().adopt(ir, entry_code)

    def check_entry(self, code: str) -> Sequence[Finding]:
        return self.loaded().check_entry(code)

    def compile(self, ir: Mapping[str, Any], entry_code: str | None) -> Compiled:
        """Raises GraphRefused."""
        return self.loaded().compile(ir, entry_code)

    def variables(self, compiled: Compiled) -> Mapping[str, VariableUse]:
        return self.loaded().variables(compiled)

    def node_types(self) -> Sequence[Mapping[str, Any]]:
        return self.loaded().node_types()
