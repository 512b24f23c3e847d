"""The one exception of this room: a bug, never a person's mistake."""


class CompilerError(Exception):
    """The compiler could not prove that its module says what the graph and its code say."""


class TooDeep(CompilerError):
    """The module is indented deeper than Python reads."""
