"""Benchmarks that need a checkout: `python -m bench`. How and why it measures: docs/performance.md."""
