"""Generated pages: determinism, and boxes that are tight to the ink in every way of photographing."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.pages import generate, layout, photograph, text, truth

Array = np.ndarray[Any, Any]
ALPHABET = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def letters() -> layout.Letters:
    """Letters drawn by chance: two strokes each, 24 pixels high."""
    rng = np.random.default_rng(5)
    images = np.zeros((52, 28, 28), np.uint8)
    for image in images:
        column, row = rng.integers(4, 20, 2)
        image[2:26, column : column + 4] = 255
        image[row : row + 4, 4:24] = 255
    return layout.Letters(images, np.arange(52) % 26, list(ALPHABET))


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "LINES", (1, 2))


def sheet_of(letters: layout.Letters, touch: float = 0.0) -> layout.Sheet:
    rng = np.random.default_rng(0)
    return layout.lay_out([["four", "score"], ["and"]], letters, rng, touch)


def taken(sheet: layout.Sheet, **settings: Any) -> photograph.Photograph:
    shot = photograph.Shot(blur=0.0, noise=0.0, **settings)
    return photograph.photograph(sheet, shot, ("clean",), np.random.default_rng(0))


def ink_of(photo: photograph.Photograph) -> Array:
    return np.asarray(photo.image.convert("L")) < 140


def test_a_page_depends_on_seed_and_index_only(letters: layout.Letters) -> None:
    first, again = generate.page(3, 1, letters), generate.page(3, 1, letters)
    assert np.array_equal(np.asarray(first.image), np.asarray(again.image))
    assert first.page == again.page
    assert first.page.text != generate.page(3, 2, letters).page.text
    assert first.page.text != generate.page(3 + 9, 1, letters).page.text


def test_letters_are_from_the_test_part(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool]] = []

    def load(name: str, *, train: bool) -> SimpleNamespace:
        asked.append((name, train))
        return SimpleNamespace(images=np.zeros((1, 28, 28), np.uint8), labels=np.zeros(1), classes=["A"])

    monkeypatch.setattr(generate.datasets, "load", load)
    assert list(generate.held_out_letters().rows) == ["a"]
    assert asked == [("emnist-letters-derived", False)]


def test_each_way_and_combinations_of_two_or_three() -> None:
    names = (*photograph.WAYS, photograph.COMBINED)
    rng = np.random.default_rng(0)
    chosen = [generate.ways_of(i, names, rng) for i in range(900)]
    assert chosen[:8] == [(name,) for name in photograph.WAYS]
    combined = chosen[8::9]
    assert {len(ways) for ways in combined} == {2, 3}
    assert all("clean" not in ways and len(set(ways)) == len(ways) for ways in combined)


def test_boxes_contain_all_ink_and_reach_it_at_each_side(letters: layout.Letters) -> None:
    photo = taken(sheet_of(letters))
    ink = ink_of(photo)
    outside = ink.copy()
    for letter, _, _ in photo.page.letters():
        assert letter.box is not None
        left, top, right, bottom = (int(edge) for edge in letter.box)
        inside = ink[top:bottom, left:right]
        assert all(side.any() for side in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))
        outside[top:bottom, left:right] = False
    assert not outside.any()


@pytest.mark.parametrize("angle", [0.0, 8.0, -8.0])
@pytest.mark.parametrize("moved", [0.0, 0.06])
def test_boxes_follow_rotation_and_perspective(letters: layout.Letters, angle: float, moved: float) -> None:
    corners = moved * np.array([[1, 0.5], [-1, 1], [-0.3, -1], [0.2, 0.6]])
    photo = taken(sheet_of(letters), angle=angle, corners=corners)
    ink = ink_of(photo)
    outside = ink.copy()
    for letter, _, _ in photo.page.letters():
        assert letter.box is not None
        left, top, right, bottom = letter.box
        low, high = (round(left) - 1, round(top) - 1), (round(right) + 1, round(bottom) + 1)
        inside = ink[low[1] : high[1], low[0] : high[0]]
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        assert rows[0] <= 3
        assert columns[0] <= 3
        assert len(inside) - 1 - rows[-1] <= 3
        assert inside.shape[1] - 1 - columns[-1] <= 3
        outside[low[1] : high[1], low[0] : high[0]] = False
    assert not outside.any()


def test_a_homography_maps_its_points_and_back() -> None:
    rng = np.random.default_rng(0)
    square = np.array([[0, 0], [80, 0], [80, 50], [0, 50]], float)
    target = square + rng.uniform(-9, 9, (4, 2))
    matrix = photograph.homography(square, target)
    np.testing.assert_allclose(photograph.mapped(square, matrix), target, atol=1e-9)
    inside = rng.uniform(0, 50, (9, 2))
    back = photograph.mapped(photograph.mapped(inside, matrix), photograph.homography(target, square))
    np.testing.assert_allclose(back, inside, atol=1e-9)


def test_touching_letters_touch_and_others_do_not(letters: layout.Letters) -> None:
    def gaps(touch: float) -> list[float]:
        words = [word for line in sheet_of(letters, touch).lines for word in line]
        pairs = [pair for word in words for pair in itertools.pairwise(word)]
        return [float(b.outline[:, 0].min() - a.outline[:, 0].max()) for a, b in pairs]

    assert min(gaps(0.0)) > 0
    assert max(gaps(1.0)) < 0


def test_touching_gap_is_the_smallest_distance_of_ink_in_a_row() -> None:
    left, right = np.zeros((10, 20)), np.zeros((6, 20))
    left[4, :15] = 1  # its row 4 is row 1 of the right letter, if that is 3 lower
    left[:, 0] = 1
    right[1, 2:] = 1
    right[:, 19] = 1
    assert layout.touching_gap(left, right, 3) == -min(19 - 14 + 2, int(0.3 * 20))
    assert layout.touching_gap(left, right, 0) == -int(0.3 * 20)
    left[4, :18] = 1
    assert layout.touching_gap(left, right, 3) == -(19 - 17 + 2)
    assert layout.touching_gap(left, right, 50) == 0


def test_light_noise_rules_and_colors_change_the_photo(letters: layout.Letters) -> None:
    sheet = sheet_of(letters)
    plain = np.asarray(taken(sheet).image, float)
    for way in ("light", "ruled", "color", "noise"):
        rng = np.random.default_rng(2)
        photo = photograph.photograph(sheet, photograph.choose((way,), rng), (way,), rng)
        assert np.abs(np.asarray(photo.image, float) - plain).mean() > 3, way
        assert (photo.jpeg is not None) == (way == "noise")


def test_text_has_known_and_invented_words_and_fits_the_width() -> None:
    lines = text.lines(np.random.default_rng(0), 50, 20)
    assert len(lines) == 50
    assert all(0 < len(" ".join(line)) <= 20 for line in lines)
    words = [word for line in lines for word in line]
    assert set("".join(words)) <= set(ALPHABET)
    assert 0.15 < np.mean([word not in text.WORDS for word in words]) < 0.5


# --- files ------------------------------------------------------------------------------------------


def test_truth_survives_its_file(letters: layout.Letters, tmp_path: Path) -> None:
    made = generate.page(6, 0, letters)
    path = made.save(tmp_path / "page")
    assert path.suffix == ".jpg"
    path.with_suffix(".json").write_text(json.dumps(made.page.to_dict()))
    (tmp_path / "other.png").write_bytes(b"without truth: not read")
    [(found, page)] = truth.load_folder(tmp_path)
    assert found == path
    assert (page.text, page.ways) == (made.page.text, ("noise",))
    for (a, *_), (b, *_) in zip(page.letters(), made.page.letters(), strict=True):
        np.testing.assert_allclose(a.box, b.box, atol=0.051)  # type: ignore[arg-type]


def test_a_folder_that_is_not_there_has_no_pages(tmp_path: Path) -> None:
    assert list(truth.load_folder(tmp_path / "pages")) == []


def test_truth_without_boxes_and_with_too_few() -> None:
    page = truth.Page.from_dict({"lines": [[{"text": "Four"}, {"text": "score"}], [{"text": "and"}]]})
    assert page.text == "four score\nand"
    assert not page.has_boxes
    with pytest.raises(ValueError, match=r"^a.json: 'and' has 1 boxes; expected 3$"):
        truth.Page.from_dict({"lines": [[{"text": "and", "boxes": [[0, 0, 1, 1]]}]]}, "a.json")
