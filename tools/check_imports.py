"""Checks the imports of the package: no cycles, none from a higher layer, no private names of other modules.

    python tools/check_imports.py [FOLDER]

Reads the source files only. Imports inside of functions count as well; those under `if TYPE_CHECKING` do not.
Prints each violation with file and line, and exits with 1 if there is any.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = "cnnfast"
#: From the lowest layer to the highest: a module may import from its own layer and from lower ones.
LAYERS = (
    ("_core", "_types", "_text", "_load", "errors"),
    (
        "_checks",
        "_class_names",
        "_files",
        "_flat",
        "_json",
        "_locks",
        "_names",
        "_safetensors",
        "_stderr",
        "_terminal",
    ),
    ("augment", "datasets", "losses", "vision"),
    ("nn", "optim", "plot"),
    ("_config", "functional", "models"),
    ("training",),
    ("benchmark", "explanation", "interop", "pages", "reporting"),
    ("demo",),
    ("cli",),
    ("__main__",),
)


class Import(NamedTuple):
    """`importer` imports the module `imported`, or a name of it."""

    importer: str
    imported: str
    name: str
    line: int


def modules(root: Path) -> dict[str, Path]:
    """Dotted name within the package -> file; "" is the package itself."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found | {"_core": root / "_core.pyi"}


def imports(name: str, path: Path, known: dict[str, Path]) -> Iterator[Import]:
    """What a module imports from the package."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    hints = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and id(node) not in hints:
            whole = [alias.name for alias in node.names if alias.name.partition(".")[0] == PACKAGE]
            yield from (
                Import(name, dotted.removeprefix(PACKAGE).removeprefix("."), "", node.lineno)
                for dotted in whole
            )
        if not isinstance(node, ast.ImportFrom) or id(node) in hints:
            continue
        if node.level == 0:
            if (node.module or "").partition(".")[0] != PACKAGE:
                continue
            source = (node.module or "").removeprefix(PACKAGE).removeprefix(".")
        else:
            base = package.split(".") if package else []
            base = base[: len(base) - (node.level - 1)]
            source = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            inner = f"{source}.{alias.name}".removeprefix(".")
            if inner in known:
                yield Import(name, inner, "", node.lineno)
            else:
                yield Import(name, source, alias.name, node.lineno)


def cycles(edges: list[Import]) -> list[list[str]]:
    """Strongly connected components of more than one module (Tarjan 1972)."""
    graph: dict[str, list[str]] = {}
    for edge in edges:
        graph.setdefault(edge.importer, []).append(edge.imported)
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    components: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in graph.get(module, []):
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            component = []
            while not component or component[-1] != module:
                component.append(stack.pop())
            if len(component) > 1:
                components.append(sorted(component))

    for module in sorted(graph):
        if module not in index:
            visit(module)
    return components


def layer(module: str) -> int:
    top = module.partition(".")[0]
    return next((i for i, names in enumerate(LAYERS) if top in names), -1)


def violations(root: Path) -> list[str]:
    """One line for each, with file and line number."""
    known = modules(root)
    edges = [
        edge for name, path in known.items() if path.suffix == ".py" for edge in imports(name, path, known)
    ]
    found = []
    for component in cycles(edges):
        found.append(f"import cycle: {', '.join(component)}")
        for edge in edges:
            if edge.importer in component and edge.imported in component:
                found.append(f"    {known[edge.importer]}:{edge.line}: imports {edge.imported}")
    for name, path in known.items():
        if name and layer(name) < 0:
            found.append(f"{path}: {name} is in no layer of LAYERS, in tools/check_imports.py")
    for edge in edges:
        where = f"{known[edge.importer]}:{edge.line}"
        if edge.name.startswith("_") and not edge.name.startswith("__"):
            found.append(f"{where}: imports the private name {edge.name} of {edge.imported}")
        if edge.importer and layer(edge.importer) < layer(edge.imported):
            found.append(f"{where}: {edge.importer} imports {edge.imported}, which is of a higher layer")
        if edge.importer and not edge.imported:
            found.append(f"{where}: imports {edge.name} from the package itself, which imports everything")
    return found


def main(arguments: list[str]) -> int:
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[1] / "python" / PACKAGE
    found = violations(root)
    print("\n".join(found) or "imports: no violation")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
