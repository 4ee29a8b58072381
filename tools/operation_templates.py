"""Python text of an operation's functions, for generate_operations.py: a template for each way to call one.

The text is not formatted here; `ruff format` does that.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ISA = "isa: str | None = None"


@dataclass
class Operation:
    """Arguments as C++ declares them, the rest from tools/operations.toml."""

    name: str
    arguments: list[tuple[Any, ...]]  # (name, type, and default if there is one)
    table: dict[str, Any]

    @property
    def function(self) -> str:
        return str(self.table["function"])

    @property
    def parameters(self) -> list[str]:
        """Arguments as a function or a constructor declares them, in C++'s order."""
        types = self.table.get("types", {})
        texts = []
        for name, kind, *default in self.arguments:
            fallback = f" = {default[0]!r}" if default else ""
            texts.append(f"{name}: {types.get(name, kind)}{fallback}")
        return texts

    @property
    def settings(self) -> list[str]:
        """Arguments of the functions: those that no array implies, in the functions' order."""
        implied = {*self.table.get("implied", ())} | ({"bias"} if "weight" in self.table else set())
        texts = {text.partition(":")[0]: text for text in self.parameters}
        order = self.table.get("order", list(texts))
        if sorted(order) != sorted(texts):
            raise SystemExit(f"tools/operations.toml: order of {self.name} must name {', '.join(texts)}")
        names = [name for name in order if name not in implied]
        keyword = self.table.get("keyword")  # the first keyword-only setting, or True for all
        if keyword is None:
            return [texts[name] for name in names]
        first = 0 if keyword is True else names.index(keyword)
        parts = [texts[name] for name in names]
        return [*parts[:first], "*", *parts[first:]]

    @property
    def keywords(self) -> list[str]:
        """The last arguments of a function, which are keyword-only."""
        return [ISA] if self.table.get("keyword") else ["*", ISA]

    def build(self, **values: str) -> str:
        """The expression that makes the operation; arguments are variables of the same name, or are given."""
        given = ", ".join(values.get(name, name) for name, *_ in self.arguments)
        return f"_core.{self.name}({given})"

    @property
    def docstring(self) -> str:
        first = f"{self.table['summary']}; see `nn.{self.name}`."
        return docstring(first, self.table.get("details", ""))

    @property
    def backward_docstring(self) -> str:
        return docstring(f"dx of `{self.function}`{self.table.get('backward', '')}.")


def docstring(first: str, rest: str = "") -> str:
    text = "\n".join(textwrap.wrap(first, 103))
    if rest:
        text += "\n\n" + rest.rstrip() + "\n"
    return f'"""{text}"""'


def define(name: str, parameters: list[str], returns: str, *body: str) -> str:
    lines = textwrap.indent("\n".join(body), "    ")
    return f"def {name}({', '.join(parameters)}) -> {returns}:\n{lines}\n"


def _call(op: Operation, before: str, after: str) -> list[str]:
    """return before(operation)after, with a long operation on a separate line."""
    if len(op.arguments) > 2:
        return [f"op = {op.build()}", f"return {before}op{after}"]
    return [f"return {before}{op.build()}{after}"]


def unary(op: Operation) -> str:
    """One array and settings; the operation determines the shape of the output."""
    name = op.function
    return define(
        name,
        ["x: Array", *op.settings, *op.keywords],
        "Array",
        op.docstring,
        f'check_floats("{name}", x=x)',
        *_call(op, f'forward("{name}", ', ", x, isa=isa)"),
    ) + _unary_backward(op)


def _unary_backward(op: Operation) -> str:
    name = f"{op.function}_backward"
    return define(
        name,
        ["dy: Array", "x: Array", *op.settings, *op.keywords],
        "Array",
        op.backward_docstring,
        f'check_floats("{name}", x=x, dy=dy)',
        *_call(op, f'backward("{name}", ', ", dy, x, isa=isa)[0]"),
    )


def _any_shape(op: Operation, run: str) -> str:
    name = op.function
    return define(
        name,
        ["x: Array", *op.settings, *op.keywords],
        "Array",
        op.docstring,
        f'return {run}("{name}", {op.build()}, x, isa)',
    ) + define(
        f"{name}_backward",
        ["dy: Array", "x: Array", *op.settings, *op.keywords],
        "Array",
        op.backward_docstring,
        f'return {run}_backward("{name}_backward", {op.build()}, dy, x, isa)',
    )


def elementwise(op: Operation) -> str:
    """x of any shape."""
    return _any_shape(op, "elementwise")


def channels(op: Operation) -> str:
    """Along axis 1 of arrays with two or more axes."""
    return _any_shape(op, "along_channels")


def max_pool(op: Operation) -> str:
    """Unary, and optionally also the index of each value."""
    name = op.function
    after_default = any("=" in text for text in op.settings)
    always = ["x: Array", *op.settings]
    never = define(name, [*always, "return_indices: Literal[False] = False", "*", ISA], "Array", "...")
    wanted = ["return_indices: Literal[True]", "*"]  # by keyword, where it follows a default
    wanted = wanted[::-1] if after_default else wanted
    found = define(name, [*always, *wanted, ISA], "tuple[Array, Indices]", "...")
    either = define(
        name,
        [*always, "return_indices: bool = False", "*", ISA],
        "Array | tuple[Array, Indices]",
        op.docstring,
        f'check_floats("{name}", x=x)',
        f"op = {op.build()}",
        "if return_indices:",
        f'    return pool_with_indices("{name}", op, x, isa)',
        f'return forward("{name}", op, x, isa=isa)',
    )
    return f"@overload\n{never}@overload\n{found}{either}{_unary_backward(op)}"


def weighted(op: Operation) -> str:
    """A weight, whose shape implies some arguments, and an optional bias."""
    name, table = op.function, op.table
    exact = ["exact: bool = False"] if table.get("exact") else []
    passed = ", exact" if exact else ""
    axes = repr(tuple(table["weight"]))
    outputs = next(text for key, text in table["implied"].items() if key.startswith("out_"))
    groups = ['groups = check_integer(who, "groups", groups, 1)'] if "groups: int = 1" in op.settings else []

    def checks(who: str, arrays: str) -> list[str]:
        return [
            f'who = "{who}"',
            f"check_floats(who, {arrays})",
            f'check_rank(who, "weight", weight, {axes})',
            *groups,
        ]

    forward = define(
        name,
        ["x: Array", "weight: Array", "bias: Array | None = None", "*", *op.settings, *exact, ISA],
        "Array",
        op.docstring,
        *checks(name, '{"bias": bias}, x=x, weight=weight'),
        f"op = {op.build(**table['implied'], bias='bias is not None')}",
        "if bias is None:",
        f"    return forward(who, op, x, [weight], isa{passed})",
        f'check_shape(who, "bias", bias, ({outputs},), "{table["bias"]}")',
        f"return forward(who, op, x, [weight, bias], isa{passed})",
    )
    backward = define(
        f"{name}_backward",
        ["dy: Array", "x: Array", "weight: Array", "*", *op.settings, "bias: bool = True", *exact, ISA],
        "tuple[Array, Array, Array | None]",
        docstring(f"(dx, dweight, dbias) of `{name}`; dbias is None without `bias`."),
        *checks(f"{name}_backward", "x=x, weight=weight, dy=dy"),
        f"op = {op.build(**table['implied'])}",
        f"dx, grads = backward(who, op, dy, x, [weight], isa{passed})",
        "return dx, grads[0], grads[1] if bias else None",
    )
    return forward + backward


TEMPLATES: dict[str, Callable[[Operation], str]] = {
    function.__name__: function for function in (unary, elementwise, channels, max_pool, weighted)
}
