"""Headless Chromium for the tests of pages, driven by playwright (the extra `browser`)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

#: Names of Chromium in system packages and of Chrome.
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@contextmanager
def running_browser() -> Iterator[Any]:
    """The browser; skips the test with the reason if playwright or a browser is missing.

    CNNFAST_BROWSER names another executable.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get("CNNFAST_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed, and CNNFAST_BROWSER is not set")
    as_root = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=as_root)
        yield browser
        browser.close()


@contextmanager
def open_page(browser: Any, **settings: Any) -> Iterator[Any]:
    """A page in a context of its own; fails if a script of it raised or logged an error."""
    context = browser.new_context(**settings)
    context.set_default_timeout(5_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert not errors, "errors of the page: " + "; ".join(errors)
