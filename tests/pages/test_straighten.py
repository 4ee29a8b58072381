"""The outline of the paper, skew, converging lines, and boxes mapped back to the photo."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")
from cnnfast.pages import straighten
from cnnfast.vision import paper
from PIL import Image, ImageDraw

CORNERS = np.array([(60, 40), (520, 70), (500, 380), (30, 340)], float)


def photo(corners=CORNERS, size=(560, 420), table=(100, 70, 50), sheet=(240, 238, 230)):
    """Paper on a table, as (3, h, w)."""
    image = Image.new("RGB", size, table)
    ImageDraw.Draw(image).polygon([tuple(corner) for corner in corners], fill=sheet)
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))


def rows_of_ink(slope, convergence, shape=(400, 600)):
    """Three rows of text in a straight page, as points relative to its middle, seen skewed and converging."""
    x = np.arange(-280.0, 280)
    points = np.array([(u, v + k) for v in (-120, -20, 90) for k in range(12) for u in x])
    points = points / (1 - convergence / (shape[1] / 2) * points[:, :1])
    a = np.radians(slope)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    return points @ turn


@pytest.mark.parametrize("angle", [-30, -7, 5, 28])
def test_skew_is_found_by_projection(angle):
    found, convergence = straighten.slope(rows_of_ink(angle, 0), 300.0)
    assert found == pytest.approx(angle, abs=0.2)
    assert abs(convergence) <= 0.005


@pytest.mark.parametrize("convergence", [-0.1, 0.08])
def test_converging_lines_are_made_parallel(convergence):
    found, c = straighten.slope(rows_of_ink(3, convergence), 300.0)
    assert found == pytest.approx(3, abs=0.4)
    assert c == pytest.approx(convergence, abs=0.02)


@pytest.mark.parametrize("table", [(100, 70, 50), (40, 40, 45), (90, 110, 60)])
def test_corners_of_the_paper(table):
    found = paper.find(photo(table=table))
    assert found is not None
    assert found.real == (True,) * 4
    assert np.abs(found.corners - CORNERS).max() < 1.5


def test_paper_in_the_shadow_of_a_hand_on_a_colored_table():
    pixels = photo(table=(130, 80, 40)).astype(float)
    pixels[:, :, 300:] *= 0.4  # the paper is darker there than the table is here
    found = paper.find(pixels.astype(np.uint8))
    assert found is not None
    assert np.abs(found.corners - CORNERS).max() < 2


def test_paper_that_the_photo_cuts_is_not_taken_for_a_rectangle():
    found = paper.find(photo(np.array([(60, 40), (560, 60), (560, 420), (50, 420)], float)))
    assert found is not None
    assert found.real == (True, False, False, True)
    view = straighten.view(np.zeros((420, 560), bool), found)
    np.testing.assert_array_equal(view.matrix, np.eye(3))


def test_no_paper_without_a_table():
    assert paper.find(np.full((3, 300, 400), 230, np.uint8)) is None
    shadow = np.full((3, 300, 400), 230, np.uint8)
    shadow[:, :, 180:] = 110
    assert paper.find(shadow) is None


def test_the_view_maps_the_paper_to_a_rectangle_and_back():
    sheet = paper.Paper(CORNERS, (True,) * 4)
    view = straighten.view(np.zeros((420, 560), bool), sheet)
    h, w = view.shape
    np.testing.assert_allclose(
        view.to_photo(np.array([(0, 0), (w, 0), (w, h), (0, h)], float)), CORNERS, atol=1e-6
    )
    mark = np.zeros((420, 560), np.float32)
    mark[200:206, 250:256] = 1
    y, x = np.nonzero(view.straightened(mark) > 0.5)
    np.testing.assert_allclose(
        view.to_photo(np.array([(x.mean() + 0.5, y.mean() + 0.5)])), [(253, 203)], atol=0.3
    )


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_view_is_that_of_rot90(quarters):
    ink = np.random.default_rng(0).random((30, 50)).astype(np.float32)
    view = straighten.View(np.eye(3), (30, 50)).turned(quarters)
    np.testing.assert_allclose(view.straightened(ink), np.rot90(ink, quarters), atol=1e-6)
