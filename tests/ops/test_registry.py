"""Nothing is forgotten: every operation of the engine has all its parts, and the stubs tell the truth."""

from __future__ import annotations

import ast
import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cnnfast
import pytest
from cnnfast import _core, functional, nn

from tests import cases, oracle
from tests.support.engine import OneNode, op_of

ROOT = Path(__file__).resolve().parents[2]
STUB = Path(inspect.getfile(cnnfast)).with_name("_core.pyi")
TABLE = "tools/operations.toml"
#: where a process of its own finds the package that this one has imported
FOUND = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
#: these have tests of their own: test_batch_norm.py, test_dropout.py (results depend on the whole batch, or
#: on chance), unit/test_python_layer.py
APART = {"BatchNorm1d", "BatchNorm2d", "Dropout", "Dropout2d", "PythonOp"}
OPERATIONS = sorted(
    name
    for name, thing in vars(_core).items()
    if inspect.isclass(thing) and issubclass(thing, _core.Op) and thing is not _core.Op and name not in APART
)


def test_operations_are_found() -> None:
    assert set(OPERATIONS) >= {"Conv2d", "MaxPool2d", "Linear", "ReLU", "Add"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_has_all_its_parts(name: str) -> None:
    own = [case for case in cases.CASES if case.op == name]
    layer = getattr(nn, name, None)
    assert layer is not None, f"python/cnnfast/nn: no layer {name}"
    assert (layer.__doc__ or "").strip(), f"nn.{name}: no docstring"
    assert name in oracle.PAIRS, f"tests/oracle: no pair for {name} in PAIRS"
    assert own, f"tests/cases: no case of {name}"
    assert any(case.jacobian for case in own), f"tests/cases: no case of {name} for the Jacobians"
    assert any(case.row for case in own), f"tests/cases: no case of {name} names a row of the bench"
    assert any(case.n == 0 for case in own), f"tests/cases: no empty batch of {name}"
    function = oracle.PAIRS[name][0].__name__
    assert oracle.PAIRS[name][1].__name__ == f"{function}_backward"
    for wanted in (function, f"{function}_backward"):
        assert wanted in functional.__all__, f"{TABLE}: no function {wanted} follows from it"
        assert (getattr(functional, wanted).__doc__ or "").strip(), f"functional.{wanted}: no docstring"
    pages = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| `{name}` \|", pages, re.MULTILINE), f"{TABLE}: no y and gradients of {name}"
    native = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "native").glob("*.?pp"))
    assert re.search(rf"\b{name}\b", native), f"tests/native/reference.cpp: no reference of {name}"


@pytest.mark.skipif(shutil.which("ruff") is None, reason="ruff writes the generated files")
@pytest.mark.skipif(not (ROOT / TABLE).exists(), reason="the tests run without a checkout: no tools")
def test_generated_files_are_up_to_date() -> None:
    """... and tools/operations.toml describes the operations of csrc/ops/op_list.hpp, and no others."""
    command = [sys.executable, str(ROOT / "tools" / "generate_operations.py"), "--check"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **FOUND})
    assert run.returncode == 0, run.stderr


def test_no_part_is_left_over() -> None:
    """The other way round: oracle, cases and pages name no operation that does not exist."""
    assert set(oracle.PAIRS) == set(OPERATIONS)
    assert {case.op for case in cases.CASES} == set(OPERATIONS)
    pages = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", pages, re.MULTILINE)) == set(OPERATIONS)
    assert len({case.id for case in cases.CASES}) == len(cases.CASES)
    rows = [case.row for case in cases.CASES if case.row]
    assert len(set(rows)) == len(rows)


@pytest.mark.parametrize("name", OPERATIONS)
def test_settings_build_the_operation_again(name: str) -> None:
    for case in (c for c in cases.CASES if c.op == name):
        op = op_of(case)
        again = type(op)(**op.settings())
        assert again.settings() == op.settings()
        assert again.output_shape(*case.inputs) == op.output_shape(*case.inputs)
        assert set(case.settings) <= set(op.settings())


@pytest.mark.parametrize("name", OPERATIONS)
def test_functional_pair_is_the_plan_of_one_node(name: str, isa: str, dtype: str) -> None:
    """Two doors, one set of kernels: the stateless functions give the same bits."""
    case = next(c for c in cases.CASES if c.op == name and c.jacobian)
    node, function = OneNode(case, isa, dtype), oracle.PAIRS[name][0].__name__
    arrays = [a.astype(dtype) for a in case.arrays()]
    where = {} if name in ("Add", "Mul", "Concat") else {"isa": isa}
    y = node.forward(*arrays)
    inputs = arrays[: len(case.inputs)]
    parameters = dict(zip(case.parameters, arrays[len(inputs) :], strict=True))
    got = getattr(functional, function)(*inputs, **parameters, **case.call, **where)
    assert got.dtype == y.dtype
    assert got.tobytes() == y.tobytes()

    dy = case.draw(*y.shape, salt="dy").astype(dtype)
    want = node.backward(dy, *arrays)
    # Its arguments say which of the arrays backward reads: dy, the inputs by their order, the weight by name.
    backward_of = getattr(functional, f"{function}_backward")
    words = inspect.signature(backward_of).parameters
    by_name = {*case.call, *case.parameters}
    plain = [w for w, p in words.items() if p.kind is p.POSITIONAL_OR_KEYWORD and w not in by_name]
    any_number = any(p.kind is p.VAR_POSITIONAL for p in words.values())
    given = (dy, *(arrays if any_number else arrays[: len(plain) - 1]))
    extra = {k: v for k, v in case.settings.items() if k == "bias" and k in words}
    extra |= {k: v for k, v in parameters.items() if k == "weight" and k in words}
    slopes = backward_of(*given, **case.call, **extra, **where)
    slopes = slopes if isinstance(slopes, tuple) else (slopes,)
    kept = [s for s in slopes if s is not None]
    assert [s.tobytes() for s in kept] == [w.tobytes() for w in want]
    assert [s.shape for s in kept] == [w.shape for w in want]


# --- the stubs --------------------------------------------------------------------------------------

STUBBED = ast.parse(STUB.read_text(encoding="utf-8"))


def public(names: Any) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def stub_functions(body: list[ast.stmt]) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef)}


# A class with an underscore is the type of an argument, not a class of the module.
CLASSES = {
    node.name: node
    for node in STUBBED.body
    if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
}


def test_stub_names_what_the_module_holds() -> None:
    compiled = public(name for name, thing in vars(_core).items() if not inspect.ismodule(thing))
    assert compiled == public(CLASSES) | public(stub_functions(STUBBED.body))
    assert isinstance(_core.__version__, str)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_stub_names_what_a_class_holds(name: str) -> None:
    thing = getattr(_core, name)
    functions = stub_functions(CLASSES[name].body)
    inherited = {key for base in thing.__mro__[1:-1] for key in vars(base)}
    assert public(vars(thing)) - inherited == public(functions) - inherited
    for method, node in functions.items():
        compiled = inspect.getattr_static(thing, method)
        is_property = any(isinstance(d, ast.Name) and d.id == "property" for d in node.decorator_list)
        assert isinstance(compiled, property) == is_property, f"{name}.{method}"
        if not is_property and not (method.startswith("__") and method != "__init__"):
            assert_signature(f"{name}.{method}", compiled.__doc__, node, f"{name}.{method}")


@pytest.mark.parametrize("name", sorted(stub_functions(STUBBED.body)))
def test_stub_signature_of_a_function(name: str) -> None:
    node = stub_functions(STUBBED.body)[name]
    assert_signature(name, getattr(_core, name).__doc__, node, name)


def assert_signature(name: str, doc: str | None, node: ast.FunctionDef, what: str) -> None:
    """Names, order and defaults of the arguments; compiled functions tell them in their docstring's first
    line.
    """
    result = re.match(rf"{name.rpartition('.')[2]}\((.*)\)( -> .*)?$", (doc or "").splitlines()[0])
    assert result, f"{what}: no signature in its docstring {doc!r}"
    compiled = ast.parse(f"def f({in_python(result[1])}): ...").body[0]
    assert isinstance(compiled, ast.FunctionDef)
    got, stubbed = arguments(compiled), arguments(node)
    assert [a for a, _ in got] == [a for a, _ in stubbed], what
    for (argument, default), (_, told_default) in zip(got, stubbed, strict=True):
        assert (default is None) == (told_default is None), f"{what}: {argument}"
        assert told_default in (default, "..."), f"{what}: {argument}"


def in_python(text: str) -> str:
    """pybind11 writes types and defaults that may be no Python; only names and plain defaults are wanted."""
    return re.sub(r"<[^>]*>", "None", text)


def arguments(node: ast.FunctionDef) -> list[tuple[str, str | None]]:
    listed = node.args.posonlyargs + node.args.args
    defaults = [None] * (len(listed) - len(node.args.defaults)) + [ast.unparse(d) for d in node.args.defaults]
    pairs = [(a.arg, d) for a, d in zip(listed, defaults, strict=True)]
    star = [("*", None)] if node.args.vararg else []  # the compiled one has no name of its own
    return pairs + star
