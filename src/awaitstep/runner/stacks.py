"""Where a thread is: the one line of its stack that a person can act on.

Knows folders and frames only.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType


@dataclass(frozen=True, slots=True)
class Place:
    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{os.path.basename(self.file)} line {self.line} in {self.function}"


def where(thread_id: int, code: Path | None) -> Place | None:
    """The innermost frame of a thread whose file is beneath `code`, else its innermost frame.

    None when the thread has ended. Meant for another thread to ask: the frames may move meanwhile.
    """
    innermost = sys._current_frames().get(thread_id)
    if innermost is None:
        return None
    return _place(_own(innermost, code) or innermost)


def _own(frame: FrameType | None, code: Path | None) -> FrameType | None:
    if code is None:
        return None
    beneath = str(code) + os.sep
    while frame is not None and not frame.f_code.co_filename.startswith(beneath):
        frame = frame.f_back
    return frame


def _place(frame: FrameType) -> Place:
    # A frame between two lines has none.
    return Place(frame.f_code.co_filename, frame.f_lineno or 0, frame.f_code.co_name)
