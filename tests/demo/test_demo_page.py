"""The demo in a browser: drawing, lessons, a training, and the numbers on the page against the engine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import cnnfast as cf
import pytest
from cnnfast import models
from cnnfast.demo import Course, Server, Session

from tests.support.browser import open_page
from tests.support.demo_server import serving
from tests.support.marks import quick_only


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    images = cf.datasets.glyphs(400, seed=0), cf.datasets.glyphs(100, seed=1)
    course = Course("letters", lambda: images, lambda train, seed: models.d4(seed, num_classes=26), "emnist")
    with serving(Session(models.pretrained("digits"), "digits", "mnist", {"glyphs": course})) as running:
        yield running


def says(page: Any, place: str, text: str) -> None:
    """Waits until an element has a text (the page's policy forbids functions of the test in it)."""
    from playwright.sync_api import expect

    expect(page.locator(place)).to_have_text(re.compile(text), timeout=10_000)


def draw_seven(page: Any) -> None:
    box = page.locator("#pad").bounding_box()
    scale = box["width"] / 280
    points = [(box["x"] + x * scale, box["y"] + y * scale) for x, y in ((70, 70), (200, 70), (130, 220))]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=5)
    page.mouse.up()


@pytest.mark.parametrize("width", quick_only([360, 1440], [1440]))
def test_a_drawing_is_read_and_taught(browser: Any, server: Server, width: int) -> None:
    with open_page(browser, viewport={"width": width, "height": 900}) as page:
        page.goto(server.url)
        draw_seven(page)
        says(page, "#verdict", r"^7, \d")
        assert page.locator("#layers .layer").count() == 10
        answer = server.session.classify(list(server.session._drawings.values())[-1][0])
        assert page.locator("#bars strong").first.inner_text() == answer["top"][0][0]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.select_option("#label", "7")
        page.click("#add")
        says(page, "#lessons", "× 7")
        page.click("#tune")
        says(page, "#tuned", "Now: 7")
        page.click("#undo")
        says(page, "#verdict", "^Draw something")


@pytest.mark.slow
def test_keys_draw(browser: Any, server: Server) -> None:
    with open_page(browser) as page:
        page.goto(server.url)
        page.focus("#pad")
        for _ in range(10):
            page.keyboard.press("ArrowUp")
        for _ in range(24):
            page.keyboard.press("Shift+ArrowDown")
        says(page, "#verdict", r"^1, \d")
        page.click("#clear")
        page.focus("#pad")
        for key in ("Shift+ArrowUp", "Shift+ArrowUp"):
            page.keyboard.press(key)


@pytest.mark.slow
def test_a_training_is_watched(browser: Any, server: Server) -> None:
    with open_page(browser, viewport={"width": 768, "height": 900}) as page:
        page.goto(server.url)
        page.click("#tab-learn")
        page.click("#start")
        says(page, "#progress", r"^Step \d+, epoch [1-9]")
        page.click("#run")
        says(page, "#progress", "paused")
        before = server.session.learning(0)["step"]
        page.click("#step")
        page.locator("#gradient canvas").wait_for()
        assert server.session.learning(0)["step"] == before + 1
        page.fill("#lr", "0.02")
        page.keyboard.press("Tab")
        page.click("#use")
        says(page, "#about", "^letters, trained here")
        assert server.session.learning(0)["lr"] == 0.02
