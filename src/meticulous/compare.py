"""Compare experiments: what explains the difference, and whether it is more than the seeds.

The unit is plain functions on plain data: they are given readers or rows, print nothing, change
nothing and are shared by the command line and other readers of the record.

- `_compare_diff`: values side by side, section by section; `_compare_code`: the code that ran.
- `_compare_files`: what the record tells of files besides its JSON objects.
- `_compare_groups`, `_compare_statistics`: groups of seeds and the tests between them.
"""

from __future__ import annotations

from ._compare_diff import SECTIONS, Line, Section, compare, differing, plain, verdict
from ._compare_files import document, input_key, recorded_files

__all__ = [
    "SECTIONS",
    "Line",
    "Section",
    "compare",
    "differing",
    "document",
    "input_key",
    "plain",
    "recorded_files",
    "verdict",
]
