"""The gallery of workflows to begin with."""

from __future__ import annotations

from collections.abc import Sequence

from awaitstep.app.errors import NotFound
from awaitstep.templates import Template, templates


class Templates:
    def all(self) -> Sequence[Template]:
        """The simplest first."""
        return templates()

    def get(self, id: str) -> Template:
        """Raises NotFound."""
        for template in templates():
            if template.id == id:
                return template
        raise NotFound(f"There is no template {id!r}.", "template.not_found")
