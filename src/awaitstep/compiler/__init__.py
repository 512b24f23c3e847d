"""The compiler: from a checked graph to one readable Python module.

Knows the language, but no node type by name: what a leaf becomes is written by its type through
`ir.Writer`. Its modules import `workers`, the standard library and nothing of this product.
"""

from awaitstep.compiler.entry import DEFAULT_ENTRY, FUNCTION_ENTRY, check_entry, default_entry
from awaitstep.compiler.errors import CompilerError
from awaitstep.compiler.module import BINDING, CompiledModule, compile_graph
from awaitstep.compiler.variables import variables_read

__all__ = [
    "BINDING",
    "DEFAULT_ENTRY",
    "FUNCTION_ENTRY",
    "CompiledModule",
    "CompilerError",
    "check_entry",
    "compile_graph",
    "default_entry",
    "variables_read",
]
