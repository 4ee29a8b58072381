"""Benchmarks that need a checkout: `python -m bench`. Methods are described in docs/performance.md."""
