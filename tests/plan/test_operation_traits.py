"""Plans learn from traits (csrc/ops/traits.hpp) what they need to know of operations."""

import re
from pathlib import Path

PLAN = Path(__file__).resolve().parents[2] / "csrc" / "plan"


def test_plans_name_no_operation_that_declares_a_trait() -> None:
    named = [
        f"{path.name}: {match[0]}"
        for path in sorted(PLAN.glob("*.[ch]pp"))
        if path.name != "node_parts.cpp"  # says how kernels divide their work
        for match in re.finditer(
            r"\b(BatchNorm\dd|Dropout\w*|Linear|Reshape|ChannelBias)\b(?=::|>)", path.read_text()
        )
    ]
    assert named == []
