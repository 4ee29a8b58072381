"""The synthetic letters: conventions, determinism, and that they look like letters and not like noise."""

from __future__ import annotations

import string
import time

import numpy as np
import numpy.typing as npt
import pytest
from cnnfast import datasets
from cnnfast.datasets import glyphs, pen
from cnnfast.datasets.strokes import STROKES

from tests.support.refusal import refused


@pytest.fixture(scope="module")
def some() -> datasets.ImageDataset:
    return glyphs(3000, seed=5)


class TestConventions:
    def test_like_emnist_letters(self, some: datasets.ImageDataset) -> None:
        assert some.images.dtype == np.uint8
        assert some.images.shape == (3000, 28, 28)
        assert some.labels.dtype == np.int64
        assert "".join(some.classes) == string.ascii_lowercase
        assert some.name == "glyphs"
        assert "Not handwriting" in some.description

    def test_every_letter_about_as_often(self, some: datasets.ImageDataset) -> None:
        counts = np.bincount(some.labels, minlength=26)
        assert counts.min() > 70
        assert counts.max() < 165

    def test_ink_is_255_on_0_within_the_margin(self, some: datasets.ImageDataset) -> None:
        images = some.images
        assert np.median(images.max(axis=(1, 2))) == 255
        assert 0.12 < images.mean() / 255 < 0.22  # EMNIST letters: 0.172
        border = np.ones((28, 28), np.bool_)
        border[1:-1, 1:-1] = False
        assert (images[:, border] > 30).mean() < 0.002
        dark = images > 30
        height = dark.any(axis=2).sum(axis=1)
        width = dark.any(axis=1).sum(axis=1)
        larger = np.maximum(height, width)
        assert np.percentile(larger, 5) >= 20
        assert np.percentile(larger, 95) <= 25

    def test_centred(self, some: datasets.ImageDataset) -> None:
        dark = some.images > 30
        for axis in (1, 2):
            seen = dark.any(axis=3 - axis)
            first, last = seen.argmax(axis=1), 27 - seen[:, ::-1].argmax(axis=1)
            assert np.percentile(np.abs(first + last - 27), 99) <= 2

    def test_upright(self) -> None:
        """A mean T has its bar above the middle, and level; transposed it would stand at the left."""
        data = glyphs(6000, seed=2)
        mean = data.images[data.labels == 19].mean(axis=0)
        rows, columns = (mean > 0.4 * mean.max()).sum(axis=1), (mean > 0.4 * mean.max()).sum(axis=0)
        assert rows.argmax() < 12
        assert columns.max() > rows.max()

    @pytest.mark.parametrize("size", [8, 20, 56])
    def test_other_sizes_show_the_same_letters(self, size: int) -> None:
        data = glyphs(40, seed=9, size=size)
        assert data.images.shape == (40, size, size)
        normal = glyphs(40, seed=9)
        np.testing.assert_array_equal(data.labels, normal.labels)
        if size == 56:
            halved = data.images.reshape(40, 28, 2, 28, 2).mean(axis=(2, 4))
            assert np.abs(halved - normal.images).mean() < 6


class TestDeterminism:
    def test_glyph_depends_on_seed_and_number_only(self, some: datasets.ImageDataset) -> None:
        few = glyphs(17, seed=5)
        np.testing.assert_array_equal(few.images, some.images[:17])
        np.testing.assert_array_equal(few.labels, some.labels[:17])

    def test_across_the_blocks_drawn_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = glyphs(300, seed=3)
        module = __import__("sys").modules["cnnfast.datasets.glyphs"]
        monkeypatch.setattr(module, "_BLOCK", 64)
        monkeypatch.setattr(module, "_BATCH", 5)
        parts = glyphs(300, seed=3)
        np.testing.assert_array_equal(parts.labels, whole.labels)
        # sums of a matrix product may be ordered by its size: one gray level is allowed
        assert np.abs(parts.images.astype(int) - whole.images).max() <= 1

    def test_seeds_differ(self) -> None:
        first, second = glyphs(200, seed=0), glyphs(200, seed=1)
        assert not np.array_equal(first.labels, second.labels)
        assert not (first.images[:, None] == second.images).all(axis=(2, 3)).any()

    def test_no_two_alike(self, some: datasets.ImageDataset) -> None:
        assert len({image.tobytes() for image in some.images}) == len(some)

    def test_global_random_state_is_left_alone(self) -> None:
        before = np.random.get_state()[1].copy()  # type: ignore[index,union-attr]
        glyphs(5)
        np.testing.assert_array_equal(np.random.get_state()[1], before)  # type: ignore[index]

    def test_pinned(self) -> None:
        """Changes to the drawing change everyone's default data: they must be meant, and this be renewed."""
        data = glyphs(8, seed=0)
        assert "".join(data.classes[label] for label in data.labels) == "qwuaymbx"
        means = [58.1, 58.4, 52.0, 42.0, 40.2, 76.3, 54.8, 40.9]
        np.testing.assert_allclose(data.images.mean(axis=(1, 2)), means, atol=0.2)


class TestQuality:
    def nearest_mean(self, data: datasets.ImageDataset, test: datasets.ImageDataset) -> float:
        """Accuracy of the simplest classifier, which knows the mean image of each letter."""

        def flat(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
            rows = images.reshape(len(images), -1) / 255.0
            return rows / np.linalg.norm(rows, axis=1, keepdims=True)

        x = flat(data.images)
        means = np.stack([x[data.labels == letter].mean(axis=0) for letter in range(26)])
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        return float(((flat(test.images) @ means.T).argmax(axis=1) == test.labels).mean())

    def test_letters_can_be_told_apart_but_not_too_easily(self, some: datasets.ImageDataset) -> None:
        accuracy = self.nearest_mean(some, glyphs(2000, seed=6))
        assert 0.3 < accuracy < 0.8  # chance is 0.04

    @pytest.mark.slow
    def test_they_resemble_real_letters(self, some: datasets.ImageDataset, data_root: object) -> None:
        record = next(r for r in datasets.status(data_root) if r.dataset == "emnist-letters-derived")  # type: ignore[arg-type]
        if not record.available:
            pytest.skip("the derived EMNIST letters are not there")
        real = datasets.EMNIST("letters-derived", train=False, root=data_root)  # type: ignore[arg-type]
        assert self.nearest_mean(some, real) > 0.35
        real_ink, ink = real.images.mean() / 255, some.images.mean() / 255
        assert ink == pytest.approx(real_ink, rel=0.15)

    def test_fast(self) -> None:
        start = time.process_time()
        glyphs(2000)
        assert time.process_time() - start < 2  # about 0.1 s


class TestStrokes:
    def test_every_letter_in_both_cases(self) -> None:
        assert sorted(STROKES) == sorted(string.ascii_letters)
        assert all(len(forms) >= 2 for forms in STROKES.values())
        assert len({form for forms in STROKES.values() for form in forms}) == sum(map(len, STROKES.values()))

    @pytest.mark.parametrize("case", STROKES)
    def test_forms_keep_to_the_page(self, case: str) -> None:
        for text in STROKES[case]:
            form = pen.parse(text)
            assert len(form.points) <= 24
            assert form.stroke.max() < 4
            assert form.weight > 0
            for basis in (form.curve, form.straight, form.smooth):
                drawn = basis @ form.points
                assert drawn[:, 0].min() > -2.5
                assert drawn[:, 0].max() < 9.5
                assert drawn[:, 1].min() > -1
                assert drawn[:, 1].max() < 14.8
            top = 0 if case.isupper() or case in "bdfhklt" else 4
            assert (form.curve @ form.points)[:, 1].max() >= 9.3
            if case not in "ij":  # their dot stands above
                assert (form.curve @ form.points)[:, 1].min() >= top - 1

    def test_parse(self) -> None:
        form = pen.parse("2.5* 0,10 4,0! 8,10 | 1.5,6 6,6.5")
        assert form.weight == 2.5
        assert form.points.tolist() == [[0, 10], [4, 0], [8, 10], [1.5, 6], [6, 6.5]]
        assert form.stroke.tolist() == [0, 0, 0, 1, 1]
        assert pen.parse("0,0 1,1").weight == 1

    def test_curve_goes_through_its_points(self) -> None:
        form = pen.parse("0,0 3,4 8,5! 2,9")
        for basis in (form.curve, form.straight):
            np.testing.assert_allclose(basis.sum(axis=1), 1, atol=1e-5)  # moving all points moves the curve
            drawn = basis @ form.points
            distance = np.linalg.norm(drawn[:, None] - form.points, axis=2).min(axis=0)
            np.testing.assert_allclose(distance, 0, atol=1e-5)

    def test_corner_is_straight_beside_a_corner_or_end_only(self) -> None:
        """From a corner to an end the pen goes straight; between smooth points it curves."""
        straight = pen.parse("0,0 3,4! 8,5")
        np.testing.assert_allclose(straight.curve, straight.straight, atol=1e-6)
        smooth = pen.parse("0,0 3,4 8,5")
        assert np.abs(smooth.curve @ smooth.points - smooth.straight @ smooth.points).max() > 0.1

    def test_circle_is_round(self) -> None:
        angle = np.linspace(0, 2 * np.pi, 9)
        text = " ".join(f"{5 + 5 * np.cos(a):.4f},{5 + 5 * np.sin(a):.4f}" for a in angle)
        form = pen.parse(text)
        radius = np.linalg.norm(form.curve @ form.points - 5, axis=1)
        assert np.abs(radius - 5).max() < 0.25
        assert radius.min() > np.linalg.norm(form.straight @ form.points - 5, axis=1).min() + 0.1


class TestInk:
    def draw(self, text: str, radius: float, blur: float = 0.3, size: int = 28) -> npt.NDArray[np.uint8]:
        form = pen.parse(text)
        curve = (form.curve @ form.points)[None].astype(np.float32)
        pressure = np.ones(curve.shape[:2], np.float32)
        one = np.float32
        return pen.ink(curve, form, np.array([radius], one), np.array([blur], one), pressure, size)[0]

    @pytest.mark.parametrize("radius", [1.0, 1.5, 3.0])
    def test_a_line_is_as_wide_as_the_pen(self, radius: float) -> None:
        image = self.draw("4,14 24,14", radius)
        assert image[:, 14].sum() / 255 == pytest.approx(2 * radius, rel=0.12)
        assert image[:, 14].tolist() == image[::-1, 14].tolist()  # pixel centers at 13.5 and 14.5
        assert image[0].max() == 0

    def test_a_dot_and_the_end_of_a_line_are_round(self) -> None:
        dot = self.draw("14,14 14.01,14", 3)
        assert dot[14, 14] > 250
        np.testing.assert_allclose(dot.astype(int), dot.T, atol=8)
        assert dot.sum() / 255 == pytest.approx(np.pi * 9, rel=0.35)

    def test_separate_strokes_are_not_joined(self) -> None:
        image = self.draw("6,4 6,24 | 22,4 22,24", 1)
        assert image[:, 12:16].max() == 0
        assert image[14, 6] > 200
        alone = self.draw("6,4 6,24", 1)
        np.testing.assert_allclose(image[:, :12].astype(int), alone[:, :12], atol=1)


def test_refusals() -> None:
    with refused(ValueError, "glyphs: n must be at least 0, got -1"):
        glyphs(-1)
    with refused(ValueError, "glyphs: seed must be at least 0, got -3"):
        glyphs(1, seed=-3)
    with refused(ValueError, "glyphs: size must be at least 8, got 7"):
        glyphs(1, size=7)
    with pytest.raises(TypeError):
        glyphs(2.5)  # type: ignore[arg-type]
    assert len(glyphs(0)) == 0


def test_catalog_has_train_and_test_of_one_kind() -> None:
    test = datasets.load("glyphs", train=False)
    assert len(test) == 4000
    assert test.name == "glyphs/test"
    train = glyphs(500)
    assert not (set(map(bytes, train.images)) & set(map(bytes, test.images)))
