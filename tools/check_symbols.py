"""Fail if two kernel variants define the same symbol (csrc/kernels/simd/isa.hpp says why that is an error).

Usage: check_symbols.py --nm NM --stamp FILE VARIANT=OBJECT...
"""

import argparse
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

#: Symbols that compilers generate, the same for every instruction set: the pointer to the exception
#: handler (GCC), the handler of exceptions that leave a noexcept function (clang; macOS adds another _),
#: pointers to other symbols (MinGW), and constants named by their bits (Visual Studio).
SAME_EVERYWHERE = re.compile(r"DW\.ref\.|_?__clang_call_terminate$|\.refptr\.|__(real|[xyz]mm)@")


def defined_symbols(nm: str, path: str) -> set[str]:
    listing = subprocess.run([nm, "-P", path], check=True, capture_output=True, text=True).stdout
    symbols = set()
    for line in listing.splitlines():
        name, kind = line.split()[:2]
        # Upper case: visible to the linker; V, W, u: weak or unique, which the linker merges silently.
        if kind in "ABCDRSTVWu" and not SAME_EVERYWHERE.match(name):
            symbols.add(name)
    return symbols


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nm", required=True)
    parser.add_argument("--stamp", required=True, type=Path)
    parser.add_argument("objects", nargs="+", metavar="VARIANT=OBJECT")
    arguments = parser.parse_args()

    owners: dict[str, set[str]] = defaultdict(set)
    for entry in arguments.objects:
        variant, _, path = entry.partition("=")
        for symbol in defined_symbols(arguments.nm, path):
            owners[symbol].add(variant)
    shared = {symbol: variants for symbol, variants in owners.items() if len(variants) > 1}
    for symbol, variants in sorted(shared.items()):
        print(f"symbol {symbol} is defined by variants {', '.join(sorted(variants))}", file=sys.stderr)
    if shared:
        print(f"{len(shared)} shared symbols; put them in the variant's namespace", file=sys.stderr)
        return 1
    arguments.stamp.write_text(f"{len(owners)} symbols, none shared\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
