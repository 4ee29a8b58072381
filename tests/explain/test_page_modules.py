"""The modules that other pages use, too: arrays, numbers and maps, in the browser."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from tests.support.page_modules import import_map


@pytest.fixture
def modules(page: Any) -> Any:
    page.set_content(f"<!doctype html><meta charset=utf-8>{import_map()}<canvas></canvas>")
    return page


def run(page: Any, name: str, body: str, argument: Any = None) -> Any:
    module = f"const m = await import('cnnfast/{name}.js');"
    return page.evaluate(f"async argument => {{ {module} {body} }}", argument)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int32", "uint8"])
def test_decodes_arrays(modules: Any, rng: np.random.Generator, dtype: str) -> None:
    array = (rng.random((2, 3)) * 200).astype(dtype)
    entry = {"dtype": dtype, "shape": [2, 3], "data": base64.b64encode(array.tobytes()).decode()}
    decoded = run(modules, "data", "return Array.from(m.decodeArray(argument).values)", entry)
    assert decoded == array.ravel().tolist()


def test_refuses_an_array_of_another_size(modules: Any) -> None:
    entry = {"dtype": "uint8", "shape": [2, 3], "data": base64.b64encode(bytes(5)).decode()}
    text = run(modules, "data", "try { m.decodeArray(argument) } catch (e) { return e.message }", entry)
    assert text == "array of 5 numbers, but its shape is (2, 3)"


def test_prints_numbers(modules: Any) -> None:
    values = [0, 0.5, -0.123456789, 1234.5, 1e-9, 120]
    body = "return argument.map(v => [m.short(v), m.medium(v)])"
    assert run(modules, "numbers", body, values) == [
        ["0", "0"],
        ["0.5", "0.5"],
        ["−0.123", "−0.123457"],
        ["1.2e3", "1234.5"],
        ["1e−9", "1e−9"],
        ["120", "120"],
    ]
    assert run(modules, "numbers", "return [m.signed(-2), m.percent(0.973), m.integer(1234567)]") == [
        "− 2",
        "97.3 %",
        "1 234 567",
    ]


def test_finds_the_value_under_the_pointer(modules: Any) -> None:
    body = """
      const layout = m.layOut([5, 4, 3], 100, {cell: 8, gap: 6});
      const found = [];
      for (let flat = 0; flat < 60; flat++) {
        const [left, top] = m.corner(layout, Math.floor(flat / 12));
        found.push(m.valueAt(layout, left + 8 * (flat % 3) + 7, top + 8 * (Math.floor(flat / 3) % 4) + 1));
      }
      return [layout.columns, found, m.valueAt(layout, 26, 3), m.valueAt(layout, -1, 3)]"""
    columns, found, between, outside = run(modules, "maps", body)
    assert (columns, found, between, outside) == (3, list(range(60)), -1, -1)


def test_draws_a_map_in_colors(modules: Any) -> None:
    body = """
      const canvas = document.querySelector("canvas");
      m.drawMap(canvas, argument, 1, 3, {max: 2});
      return Array.from(canvas.getContext("2d").getImageData(0, 0, 3, 1).data)"""
    blue, white, red = np.reshape(run(modules, "maps", body, [-2, 0, 9]), (3, 4)).tolist()
    assert (blue, white, red) == ([33, 92, 172, 255], [250, 250, 250, 255], [190, 30, 45, 255])
