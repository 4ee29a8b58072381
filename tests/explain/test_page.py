"""The explain page in a browser: its sections, and inspection by pointer, keyboard and address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import nn
from cnnfast.explanation import Explanation

from tests.support.browser import open_page

#: A name that must stay text.
HOSTILE = "<img src=x onerror=document.title='broken'></script>"


@pytest.fixture(scope="module")
def explanation() -> Explanation:
    layers = {
        "conv": nn.Conv2d(1, 3, 3, padding=1),
        "relu": nn.ReLU(),
        "pool": nn.MaxPool2d(2),
        "flatten": nn.Flatten(),
        "hidden": nn.Linear(75, 6),
        "gelu": nn.GELU(),
        "output": nn.Linear(6, 3),
    }
    model = nn.Sequential(**layers, input_shape=(1, 10, 10), seed=0)
    model.classes = ["zero", HOSTILE, "two"]
    image = np.random.default_rng(0).integers(0, 256, (10, 10), np.uint8)
    return cf.explain(model, image, backward=True, target=2, title=HOSTILE)


@pytest.fixture(scope="module")
def opened(browser: Any, explanation: Explanation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    file = tmp_path_factory.mktemp("page") / "page.html"
    explanation.save(file)
    with open_page(browser, viewport={"width": 1440, "height": 900}, offline=True) as page:
        page.goto(file.as_uri())
        page.wait_for_selector("body[data-ready]")
        yield page


def show(page: Any, address: str) -> str:
    """The text of the panel."""
    page.evaluate("address => { location.hash = address }", address)
    page.wait_for_function(
        "address => document.querySelector('#panel').dataset.address === address", arg=address
    )
    return str(page.inner_text("#panel"))


def number(text: str, before: str) -> float:
    """The number behind some text."""
    found = re.search(re.escape(before) + r"\s*([−\d.e]+)", text)
    assert found, text
    return float(found[1].replace("−", "-"))


def test_has_a_section_for_every_layer(opened: Any) -> None:
    titles = opened.eval_on_selector_all("section h2", "all => all.map(h => h.textContent)")
    assert titles[0] == "Input"
    assert titles[1:8] == [
        "1. conv Conv2d",
        "2. relu ReLU",
        "3. pool MaxPool2d",
        "4. flatten Flatten",
        "5. hidden Linear",
        "6. gelu GELU",
        "7. output Linear",
    ]
    assert titles[8:] == ["Answer", "Loss and gradients", "What the answer depends on"]
    assert opened.eval_on_selector_all("nav a", "all => all.length") == len(titles)


def test_names_are_shown_as_text(opened: Any) -> None:
    assert opened.title() == HOSTILE
    assert opened.inner_text("h1") == HOSTILE
    assert HOSTILE in opened.inner_text("#output")
    assert opened.query_selector("img") is None


@pytest.mark.parametrize(
    ("layer", "index"), [("conv", (2, 4, 7)), ("pool", (1, 3, 0)), ("hidden", (5,)), ("gelu", (3,))]
)
def test_inspects_the_value_of_an_address(
    opened: Any, explanation: Explanation, layer: str, index: tuple[int, ...]
) -> None:
    text = show(opened, f"{layer}/{','.join(map(str, index))}")
    terms = explanation.terms(layer, index)
    assert number(text, "value:") == pytest.approx(terms.value, rel=1e-5)
    if layer == "conv":
        opened.click("#panel >> text=Show all")
        assert opened.eval_on_selector_all("#panel table:first-of-type tbody tr", "all => all.length") >= 9


def test_inspects_gradients_and_weights(opened: Any, explanation: Explanation) -> None:
    text = show(opened, "conv/2,4,7/gradient")
    assert number(text, "gradient:") == pytest.approx(
        explanation.gradient_terms("conv", (2, 4, 7)).value, rel=1e-5
    )
    text = show(opened, "conv/1,0,2,2/weight")
    gradient = explanation.weight_terms("conv.weight", (1, 0, 2, 2)).value
    (line,) = re.findall(r".+ − 0\.1·.+", text)
    assert number(line, "0.1·") == pytest.approx(gradient, rel=1e-5)


def test_inspects_a_pixel_and_what_it_influences(opened: Any, explanation: Explanation) -> None:
    text = show(opened, "input/0,4,7")
    value, pixel = explanation.network.values[0][0, 4, 7], explanation.network.pixels.ravel()[47]
    assert number(text, "value:") == pytest.approx(value, rel=1e-5)
    assert f"({pixel}/255 − 0) / 1 = " in text
    assert "Where it goes: 27 values read it" in text
    weight = explanation.network.steps[0].parameters["weight"]
    c, _, row, column = np.unravel_index(np.abs(weight).argmax(), weight.shape)
    reader = f"conv[{c}, {5 - row}, {8 - column}]"  # whose window has the pixel at that place of the kernel
    assert number(text, reader) == pytest.approx(weight[c, 0, row, column], rel=1e-5)


@pytest.mark.slow
def test_shows_gradients_in_the_maps(opened: Any, explanation: Explanation) -> None:
    overlay = opened.locator("#step-7 .overlay").first
    opened.click("text=Show gradients in the maps")
    overlay.focus()
    overlay.press("ArrowLeft")
    text = opened.inner_text("#step-7 .readout")
    opened.click("text=Show gradients in the maps")
    index = int(text.split("[")[1].split("]")[0])
    gradient = explanation.gradient_terms("output", index).engine
    assert number(text, "=") == pytest.approx(gradient, rel=1e-5)


@pytest.mark.slow
def test_follows_the_largest_term_and_returns(opened: Any) -> None:
    show(opened, "output/1")
    opened.click("#panel >> text=Follow the largest term")
    opened.wait_for_function("() => document.querySelector('#panel h2').textContent.startsWith('gelu[')")
    opened.click("#panel >> text=Back")
    opened.wait_for_function("() => document.querySelector('#panel h2').textContent === 'output[1]'")
    opened.keyboard.press("Escape")
    assert opened.is_hidden("#panel")


@pytest.mark.slow
def test_the_keyboard_moves_in_a_map(opened: Any) -> None:
    overlay = opened.locator("#step-1 .calculation ~ details, #step-1 .maps").nth(1).locator(".overlay").first
    overlay.focus()
    overlay.press("Home")
    for key in (
        "PageUp",
        "PageUp",
        *["ArrowUp"] * 9,
        "ArrowDown",
        "ArrowRight",
        "ArrowRight",
        "PageDown",
        "Enter",
    ):
        overlay.press(key)
    opened.wait_for_function("() => location.hash === '#conv/1,1,2'")
    opened.keyboard.press("Escape")


@pytest.mark.slow
def test_a_click_inspects_the_value_under_the_pointer(opened: Any, explanation: Explanation) -> None:
    overlay = opened.locator("#step-3 .overlay").first
    overlay.scroll_into_view_if_needed()
    opened.wait_for_function("() => document.querySelector('#step-3 .overlay').style.width")
    overlay.click(position={"x": 8 * 4 + 3, "y": 8 * 2 + 3})
    opened.wait_for_function("() => location.hash === '#pool/0,2,4'")
    assert number(opened.inner_text("#panel"), "value:") == pytest.approx(
        explanation.terms("pool", (0, 2, 4)).value, rel=1e-5
    )
    opened.keyboard.press("Escape")


@pytest.mark.parametrize("width", [360, 768])
@pytest.mark.slow
def test_fits_small_screens(browser: Any, explanation: Explanation, tmp_path: Path, width: int) -> None:
    explanation.save(tmp_path / "page.html")
    with open_page(browser, viewport={"width": width, "height": 800}, color_scheme="dark") as page:
        page.goto((tmp_path / "page.html").as_uri() + "#conv/2,4,7")
        page.wait_for_selector("body[data-ready]")
        assert page.is_visible("#panel")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
