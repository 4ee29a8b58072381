"""Single letters in photos that are hard to read give the image of the clean photo."""

from __future__ import annotations

import pytest
from cnnfast.vision import prepare

from tests.support import hard_photos
from tests.support.drawings import drawing, similarity
from tests.support.marks import quick_only

pytest.importorskip("PIL")
CASES = {
    name: case
    for name, case in hard_photos.cases(distance=70).items()
    if not name.startswith(("tilted", "turned"))  # prepare does not turn letters: N, Z, 6 and 9 would change
}


@pytest.mark.parametrize("case", quick_only(CASES, ["on a table", "same brightness", "strong lines"]))
def test_hard_photos_give_the_letter(case: str) -> None:
    ink = hard_photos.ink_of(drawing(page=(400, 300), at=(130, 50)))
    expected = prepare(hard_photos.photographed(hard_photos.on_paper(ink))).pixels
    found = prepare(CASES[case](ink))
    assert found.warning == ""
    assert similarity(found.pixels, expected) > 0.9
