"""The workflow language: the typed graph, and everything that can be wrong with one.

Owns what a drawn workflow means. Pure: pydantic and the standard library only, no clock, no
files, no compiler.
"""

from awaitstep.ir.adoption import Adopted, adopt, adopt_entry
from awaitstep.ir.diagnostics import Diagnostic, InvalidGraph, Report
from awaitstep.ir.graph import Edge, Graph, Metadata, Node, NodeData
from awaitstep.ir.handwritten import Handwritten, is_handwritten, read_handwritten
from awaitstep.ir.registry import Arm, DrawnArms, NodeType, Registry
from awaitstep.ir.validation import parse, validate
from awaitstep.ir.writer import Helper, Writer

__all__ = [
    "Adopted",
    "Arm",
    "Diagnostic",
    "DrawnArms",
    "Edge",
    "Graph",
    "Handwritten",
    "Helper",
    "InvalidGraph",
    "Metadata",
    "Node",
    "NodeData",
    "NodeType",
    "Registry",
    "Report",
    "Writer",
    "adopt",
    "adopt_entry",
    "is_handwritten",
    "parse",
    "read_handwritten",
    "validate",
]
