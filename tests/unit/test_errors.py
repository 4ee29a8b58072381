"""The exceptions: what they are besides, what they carry, and how a missing package is reported."""

from __future__ import annotations

import math
import pickle
import sys
from pathlib import Path

import pytest
from cnnfast import errors
from cnnfast.errors import CnnfastError, MissingDependencyError, NonFiniteError, require

from tests.support.refusal import refused


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.DataError, ValueError),
        (errors.DownloadError, OSError),
        (errors.CheckpointError, ValueError),
        (errors.MissingDependencyError, ImportError),
        (errors.NonFiniteError, ArithmeticError),
    ],
)
def test_each_is_also_the_built_in_one(error: type[CnnfastError], builtin: type[Exception]) -> None:
    assert issubclass(error, CnnfastError)
    assert issubclass(error, builtin)
    assert str(error("why")) == "why"
    assert str(pickle.loads(pickle.dumps(error("why")))) == "why"


def test_non_finite_error_carries_where_it_happened() -> None:
    error = NonFiniteError("loss is nan", step=7, epoch=2, loss=math.inf)
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.step, copy.epoch, copy.loss, copy.history) == (7, 2, math.inf, None)


class TestRequire:
    def test_installed(self) -> None:
        assert require("json.decoder", "reading JSON").__name__ == "json.decoder"

    @pytest.mark.parametrize(
        ("module", "text"),
        [
            ("PIL.Image", 'reading images needs the package pillow: pip install "cnnfast[cli]"'),
            ("rich", 'reading images needs the package rich: pip install "cnnfast[cli]"'),
            ("sklearn", "reading images needs the package scikit-learn: pip install scikit-learn"),
            (
                "no_such_thing.part",
                "reading images needs the package no_such_thing: pip install no_such_thing",
            ),
        ],
    )
    def test_missing(self, module: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, module, None)
        monkeypatch.setitem(sys.modules, module.partition(".")[0], None)
        with refused(MissingDependencyError, text):
            require(module, "reading images")

    def test_installed_but_broken_keeps_its_own_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "broken_package.py").write_text("import a_package_it_forgot_to_ask_for\n")
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(
            ModuleNotFoundError, match=r"^No module named 'a_package_it_forgot_to_ask_for'$"
        ) as caught:
            require("broken_package", "anything")
        assert not isinstance(caught.value, MissingDependencyError)
