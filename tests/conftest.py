"""Fixtures shared by the tests: instruction sets, dtypes, seeds, threads, data, a file server, a browser."""

from __future__ import annotations

import functools
import gc
import os
import signal
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support import crossing
from tests.support.browser import open_page, running_browser
from tests.support.file_server import FileServer, running_server


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named by their length: their content may hold the time (gzip does), and all workers of a run
    must find the same names."""
    return f"{argname} of {len(val)} bytes" if isinstance(val, bytes) else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Some hundred thousand objects live from here to the end: the garbage collector need not visit them,
    which would take a third of a second each time."""
    gc.disable()
    yield
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`isa` runs a test on every variant this machine can execute, `dtype` in both precisions.

    A test that parametrizes one of these names itself keeps its own values.
    """
    marks = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    own = {name.strip() for m in marks for name in (m.split(",") if isinstance(m, str) else m)}
    wanted = [name for name in ("isa", "dtype") if name in metafunc.fixturenames and name not in own]
    if not wanted:
        return
    pairs = variants()
    if metafunc.config.getoption("markexpr") == "quick":  # others would be collected in vain
        pairs = pairs[-1:]
    if wanted == ["isa", "dtype"]:
        metafunc.parametrize("isa,dtype", pairs)
    else:
        place = ("isa", "dtype").index(wanted[0])
        metafunc.parametrize(wanted[0], list(dict.fromkeys(pair[place] for pair in pairs)))


@functools.cache
def variants() -> list[tuple[str, str]]:
    """(instruction set, dtype) of all kernels that run here; the last one is that of the quick tests."""
    from cnnfast import _core

    isas = _core.available_isas()
    return [*((isa, "float64") for isa in isas if has_float64(isa)), *((isa, "float32") for isa in isas)]


def has_float64(isa: str) -> bool:
    """Whether a variant has float64 kernels; if not, those of the last variant before it are used."""
    from cnnfast import _core

    graph = _core.Graph((1,))
    graph.add(_core.ReLU(), [0])
    return _core.Plan(graph, "float64", isa=isa).isa == isa


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`quick` are the tests on one instruction set (the fastest here), in float32, that are not `slow`. Tests
    with cases run in pairs of variants, see crossing.py.
    """
    kept = variants()[-1]
    for item in items:
        params = getattr(getattr(item, "callspec", None), "params", {})
        if item.get_closest_marker("slow") is None and all(
            params.get(name, value) == value for name, value in zip(("isa", "dtype"), kept, strict=True)
        ):
            item.add_marker("quick")
    left_out = crossing.arrange(items, kept)
    if left_out:
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(autouse=True, scope="session")
def _signals_arrive() -> Iterator[None]:
    """Under `nohup ... &`, SIGINT and SIGHUP are ignored, here and in every process started from here."""
    before = {}
    for name, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", lambda number, frame: None)):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            before[number] = signal.signal(number, handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A number computed from the test's name; CNNFAST_TEST_SEED=1, 2, ... gives other ones."""
    return zlib.crc32(request.node.name.encode()) ^ int(os.environ.get("CNNFAST_TEST_SEED", "0"))


@pytest.fixture
def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture
def set_threads() -> Iterator[Callable[[int], None]]:
    """Sets the number of threads; the old one is restored after the test."""
    from cnnfast import _core

    before = _core.get_num_threads()
    yield _core.set_num_threads
    _core.set_num_threads(before)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder named by CNNFAST_DATA; tests of real data are skipped without it."""
    named = os.environ.get("CNNFAST_DATA")
    if not named:
        pytest.skip("CNNFAST_DATA names no folder: tests on real data are skipped")
    root = Path(named)
    if not root.is_dir():
        pytest.skip(f"CNNFAST_DATA names {root}, which is no folder: tests on real data are skipped")
    return root


@pytest.fixture
def server() -> Iterator[FileServer]:
    with running_server() as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One headless Chromium for all tests; tests of pages are skipped without it."""
    with running_browser() as running:
        yield running


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """An empty page (playwright's `Page`); errors of its scripts fail the test."""
    with open_page(browser, viewport={"width": 1440, "height": 900}) as opened:
        yield opened


@pytest.fixture
def mnist(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Small random files in place of MNIST's, which `server` serves."""
    from tests.support.fake_release import fake_mnist

    return fake_mnist(server, monkeypatch)


@pytest.fixture
def emnist(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A small random archive in place of EMNIST's, which `server` serves."""
    from tests.support.fake_release import fake_emnist

    return fake_emnist(server, monkeypatch)
