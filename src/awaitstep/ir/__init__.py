"""The workflow language: the typed graph, and everything that can be wrong with one.

Owns what a drawn workflow means. Pure: pydantic and the standard library only, no clock, no
files, no compiler.
"""

from awaitstep.ir.diagnostics import Diagnostic, InvalidGraph, Report
from awaitstep.ir.graph import Edge, Graph, Metadata, Node, NodeData
from awaitstep.ir.registry import Arm, NodeType, Registry
from awaitstep.ir.validation import parse, validate
from awaitstep.ir.writer import Helper, Writer

__all__ = [
    "Arm",
    "Diagnostic",
    "Edge",
    "Graph",
    "Helper",
    "InvalidGraph",
    "Metadata",
    "Node",
    "NodeData",
    "NodeType",
    "Registry",
    "Report",
    "Writer",
    "parse",
    "validate",
]
