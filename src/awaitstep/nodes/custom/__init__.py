"""Node types that are data: a folder with `node.json` and a Python template for each.

`definition` is the shape of `node.json`, `settings` makes the model of a node's `data` of its
schema, `template` reads the Python, `loading` puts a directory together and says everything that
is wrong with it, `emitting` writes a node. A template is read here and never executed.
"""

from awaitstep.nodes.custom.loading import Loaded, Problem, load

__all__ = ["Loaded", "Problem", "load"]
