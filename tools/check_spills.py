"""Find vector registers that spill to the stack inside the innermost multiply-add loops of the kernels.

Usage: check_spills.py [--objdump OBJDUMP] [--all] BUILD_DIRECTORY

Disassembles the kernel variants' objects of a CMake build. A loop counts when it has at least 8 fused
multiply-adds and no loop inside it has any. A load or store of a vector register relative to the stack or
frame pointer in such a loop is a spill: the values of the loop do not fit in the registers.
The exit code is 1 if a float loop of avx2 or avx512 spills more than ALLOWED permits.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

MIN_MULTIPLY_ADDS = 8
GATED = {("avx2", "float"), ("avx512", "float")}


@dataclass(frozen=True)
class Allowed:
    """Known spills, accepted up to this many loads and stores a loop."""

    variants: str
    symbol: str  # a regular expression, searched for in the symbol
    loads: int
    stores: int
    reason: str


ALLOWED = [
    Allowed(
        "avx2 avx512",
        r"ElementwiseKernels<float>|::activate<float>|element_losses<float",
        32,
        2,
        "there are more coefficients of the polynomials than registers; each is read with one load",
    ),
    Allowed(
        "avx2 avx512",
        r"lanewise_row_3x3<float,",
        64,
        72,
        "nine weights and up to eight sums; stores of a vector's first lanes, through a buffer, count too",
    ),
    Allowed(
        "avx2 avx512",
        r"MaskedWeights<float>::block",
        4,
        4,
        "constants of the comparison, and in some tiles up to 4 sums, once in 36 or 72 multiply-adds",
    ),
    Allowed(
        "avx2 avx512",
        r"correlate_rows<|ConvPoolDirect<float>::block_of_rows<",
        5,
        5,
        "unrolled over a whole window: the compiler stores and reloads up to 5 sums once a window",
    ),
    Allowed(
        "avx2",
        r"PoolSparse<float>::windows_data<floatx8, 4>",
        7,
        7,
        "5 taps x 4 vectors are 20 sums in 16 registers: dx of 5x5 windows of 32 and more channels",
    ),
    Allowed(
        "avx2 avx512",
        r"Winograd(Weights|Conv2d)?<float, \d, \d>::",
        250,
        140,
        "transforms work on up to 6x6 vectors, more than there are registers; the products are other loops",
    ),
]

OBJECT = re.compile(r"_kernels_(?P<variant>\w+)_(?P<element>float|double)\.dir$")
FUNCTION = re.compile(r"^[0-9a-f]+ <(?P<name>.+)>:$")
INSTRUCTION = re.compile(r"^\s*(?P<address>[0-9a-f]+):\t(?P<text>\S+)\s*(?P<operands>.*)$")
TARGET = re.compile(r"(?:^|,\s*)(?P<address>[0-9a-f]+) <")


@dataclass(frozen=True)
class Machine:
    """Patterns of one instruction set in the disassembly."""

    multiply_add: re.Pattern[str]
    jump: re.Pattern[str]  # conditional or not
    leaves: re.Pattern[str]  # never continues with the next instruction
    vector: re.Pattern[str]
    stack: re.Pattern[str]
    frame: re.Pattern[str]  # a frame pointer only in functions with an instruction `sets_frame`
    sets_frame: re.Pattern[str]
    store: re.Pattern[str]  # mnemonic and operands of a vector store


X86 = Machine(
    multiply_add=re.compile(r"vfn?m(add|sub)"),
    jump=re.compile(r"j\w+$"),
    leaves=re.compile(r"(jmp|ret|ud2|hlt)"),
    vector=re.compile(r"%[xyz]mm\d"),
    stack=re.compile(r"\(%rsp"),
    frame=re.compile(r"\(%rbp"),
    sets_frame=re.compile(r"mov\s+%rsp,%rbp|lea\s+\S*\(%rsp\),%rbp"),
    store=re.compile(r"\(%r[sb]p[^)]*\)(\{%k\d\})?$"),
)
ARM64 = Machine(
    multiply_add=re.compile(r"fml[as]|fn?m(add|sub)"),
    jump=re.compile(r"(b(\.\w+)?|cbn?z|tbn?z)$"),
    leaves=re.compile(r"(b|ret|br|brk)$"),
    vector=re.compile(r"(^|[\s,{])[qdsv]\d"),
    stack=re.compile(r"\[sp"),
    frame=re.compile(r"\[x29"),
    sets_frame=re.compile(r"(mov|add)\s+x29, sp"),
    store=re.compile(r"^st"),
)


@dataclass(frozen=True)
class Instruction:
    address: int
    mnemonic: str
    operands: str
    target: int | None


@dataclass(frozen=True)
class Loop:
    variant: str
    element: str
    symbol: str
    first: int
    multiply_adds: int
    loads: int
    stores: int

    @property
    def spills(self) -> bool:
        return self.loads + self.stores > 0

    def reason(self) -> str | None:
        """Why its spills are accepted."""
        for entry in ALLOWED:
            here = self.variant in entry.variants.split() and re.search(entry.symbol, self.symbol)
            if here and self.loads <= entry.loads and self.stores <= entry.stores:
                return entry.reason
        return None

    def verdict(self) -> str:
        if not self.spills:
            return "no spill"
        if (self.variant, self.element) not in GATED:
            return "spills, not gated"
        reason = self.reason()
        return "SPILLS" if reason is None else f"allowed: {reason}"


def short(symbol: str) -> str:
    """A symbol without parameters; float __vector(16) becomes floatx16."""
    symbol = re.sub(r" __vector\((\d+)\)", r"x\1", symbol).replace("(anonymous namespace)::", "")
    return symbol.partition("(")[0].removeprefix("void ").removeprefix("auto ")


def functions(objdump: str, path: Path) -> tuple[Machine, list[tuple[str, list[Instruction]]]]:
    command = [objdump, "-d", "-C", "-w", "--no-show-raw-insn", str(path)]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    machine = ARM64 if "aarch64" in listing[:500] else X86
    found: list[tuple[str, list[Instruction]]] = []
    for line in listing.splitlines():
        if start := FUNCTION.match(line):
            found.append((start["name"], []))
        elif match := INSTRUCTION.match(line):
            mnemonic, operands = match["text"], match["operands"]
            jumps = TARGET.search(operands) if machine.jump.match(mnemonic) else None
            target = int(jumps["address"], 16) if jumps else None
            found[-1][1].append(Instruction(int(match["address"], 16), mnemonic, operands, target))
    return machine, found


def successors(machine: Machine, body: list[Instruction]) -> list[list[int]]:
    index = {instruction.address: i for i, instruction in enumerate(body)}
    edges = []
    for i, instruction in enumerate(body):
        to = [] if machine.leaves.match(instruction.mnemonic) or i + 1 == len(body) else [i + 1]
        if instruction.target in index:
            to.append(index[instruction.target])
        edges.append(to)
    return edges


def cycles(nodes: set[int], edges: list[list[int]]) -> list[set[int]]:
    """Strongly connected components with a cycle (Tarjan 1972, without recursion)."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    found = []
    for root in sorted(nodes):
        waiting = [] if root in order else [(root, iter(edges[root]))]
        while waiting:
            node, rest = waiting[-1]
            if node not in order:
                order[node] = low[node] = len(order)
                stack.append(node)
                on_stack.add(node)
            for to in rest:
                if to not in nodes:
                    continue
                if to not in order:
                    waiting.append((to, iter(edges[to])))
                    break
                if to in on_stack:
                    low[node] = min(low[node], low[to])
            else:
                waiting.pop()
                if waiting:
                    low[waiting[-1][0]] = min(low[waiting[-1][0]], low[node])
                if low[node] == order[node]:
                    component = {stack.pop()}
                    while node not in component:
                        component.add(stack.pop())
                    on_stack -= component
                    if len(component) > 1 or node in edges[node]:
                        found.append(component)
    return found


def loop_forest(nodes: set[int], edges: list[list[int]]) -> list[tuple[set[int], list[set[int]]]]:
    """Every loop with those directly inside it: cycles that remain without the edges back to its entry."""
    forest = []
    for loop in cycles(nodes, edges):
        entries = {to for node in nodes - loop for to in edges[node] if to in loop} or {min(loop)}
        inner = {node: [to for to in edges[node] if to not in entries] for node in loop}
        cut = [inner.get(node, []) for node in range(len(edges))]
        nested = loop_forest(loop, cut)
        forest += [(loop, [members for members, _ in nested]), *nested]
    return forest


def multiply_add_loops(
    machine: Machine, body: list[Instruction], variant: str, element: str, symbol: str
) -> list[Loop]:
    adds = {i for i, instruction in enumerate(body) if machine.multiply_add.match(instruction.mnemonic)}
    if len(adds) < MIN_MULTIPLY_ADDS:
        return []
    has_frame = any(machine.sets_frame.match(f"{i.mnemonic} {i.operands}") for i in body)
    found = []
    for loop, inside in loop_forest(set(range(len(body))), successors(machine, body)):
        own = loop.difference(*inside)
        if any(inner & adds for inner in inside) or len(own & adds) < MIN_MULTIPLY_ADDS:
            continue
        loads = stores = 0
        for i in own:
            operands = body[i].operands
            on_stack = machine.stack.search(operands) or (has_frame and machine.frame.search(operands))
            if not on_stack or not machine.vector.search(operands):
                continue
            if machine is X86:
                is_store = machine.store.search(operands) is not None
            else:
                is_store = machine.store.match(body[i].mnemonic) is not None
            stores += is_store
            loads += not is_store
        found.append(Loop(variant, element, symbol, body[min(own)].address, len(own & adds), loads, stores))
    return found


def kernel_loops(objdump: str, build: Path) -> list[Loop]:
    loops = []
    for folder in sorted(build.rglob("*_kernels_*.dir")):
        name = OBJECT.search(folder.name)
        if name is None:
            continue
        for path in sorted(folder.rglob("*.o")):
            machine, bodies = functions(objdump, path)
            for symbol, body in bodies:
                loops += multiply_add_loops(machine, body, name["variant"], name["element"], short(symbol))
    return loops


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--objdump", default="objdump", help="for another machine's objects, its own objdump")
    parser.add_argument("--all", action="store_true", help="list the loops without spills too")
    parser.add_argument("build", type=Path, metavar="BUILD_DIRECTORY")
    arguments = parser.parse_args()

    loops = kernel_loops(arguments.objdump, arguments.build)
    if not loops:
        print(f"no multiply-add loops in kernel objects under {arguments.build}", file=sys.stderr)
        return 1
    groups: dict[tuple[str, str, str, str], list[Loop]] = defaultdict(list)
    for loop in loops:
        if loop.spills or arguments.all:
            groups[loop.variant, loop.element, loop.symbol, loop.verdict()].append(loop)
    for (variant, element, symbol, verdict), group in groups.items():
        worst = max(group, key=lambda loop: (loop.loads + loop.stores, loop.multiply_adds))
        print(
            f"{variant} {element} {symbol}, loops: {len(group)}, worst at {worst.first:#x}: {worst.loads} "
            f"loads, {worst.stores} stores, {worst.multiply_adds} multiply-adds; {verdict}"
        )
    for variant, element in sorted({(loop.variant, loop.element) for loop in loops}):
        spills = [x.spills for x in loops if (x.variant, x.element) == (variant, element)]
        print(f"{variant} {element}: {len(spills)} multiply-add loops, {sum(spills)} with spills")
    failures = sum(loop.verdict() == "SPILLS" for loop in loops)
    if failures:
        print(f"{failures} loops spill: use smaller register tiles, or add them to ALLOWED with a reason")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
