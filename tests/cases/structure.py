"""What rearranges or joins values."""

from __future__ import annotations

from tests.cases.case import Case

ADD = [
    Case("Add", 1, ((1, 1, 1),) * 2),
    Case("Add", 33, ((7, 3, 5),) * 2),
    Case("Add", 5, ((17,),) * 2),
    Case("Add", 0, ((3, 4, 4),) * 2),
    Case("Add", 2, ((2, 2, 3),) * 2, jacobian=True),
    Case("Add", 2, ((32, 13, 13),) * 2, row="add 32x13x13"),
]
